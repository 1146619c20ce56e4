import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { currencyScale, formatAmount } from '../../platform/money.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { ChainOutflowRow } from '../../store/tables/chains.ts';
import { inTransaction } from '../../store/transaction.ts';
import { holdChain } from '../holds/commands.ts';
import { listHolds } from '../holds/queries.ts';
import { ownTransactions } from '../payments/queries.ts';
import { listOfTransaction, listUnknown, type Outflow } from './queries.ts';

/** What left, to be stored. */
export type NewOutflow = Pick<ChainOutflowRow, 'id' | 'sender'> &
  Partial<Pick<ChainOutflowRow, 'sequence' | 'tx_hash' | 'height' | 'currency' | 'address' | 'amount'>>;

/** Keeps the outgoing movements that no payment of the books has made and no operator has explained. */
export async function selectUnknown(
  pool: Pool,
  chain: Chain,
  transfers: readonly SeenTransfer[],
): Promise<SeenTransfer[]> {
  const outgoing = transfers.filter(({ isOutgoing }) => isOutgoing);
  if (outgoing.length === 0) return [];
  const own = await ownTransactions(
    pool,
    outgoing.map(({ txHash }) => txHash),
  );
  const unknown: SeenTransfer[] = [];
  for (const transfer of outgoing) {
    if (own.has(transfer.txHash)) continue;
    const recorded = await listOfTransaction(pool, chain, transfer.txHash);
    const isExplained = recorded.length > 0 && recorded.every(({ isResolved }) => isResolved);
    if (!isExplained) unknown.push(transfer);
  }
  return unknown;
}

/** Records the outgoing movements of final blocks that the books did not give out, and holds the chain for them. */
export async function recordOutgoing(
  pool: Pool,
  chain: Chain,
  transfers: readonly SeenTransfer[],
): Promise<void> {
  const unknown = await selectUnknown(pool, chain, transfers);
  if (unknown.length === 0) return;
  await recordAll(pool, chain, unknown.map(movedOutflow));
}

/** An outgoing movement, to be stored. */
export function movedOutflow(transfer: SeenTransfer): NewOutflow {
  const { amount, block, currency, from, ordinal, to, txHash } = transfer;
  return {
    id: `${txHash}:${ordinal}`,
    sender: from,
    tx_hash: txHash,
    height: BigInt(block.height),
    currency: currency ?? null,
    address: to,
    amount: amount.toString(),
  };
}

/** A nonce that was used, to be stored. */
export function usedNonce(sender: string, sequence: bigint): NewOutflow {
  return { id: `nonce:${sender}:${sequence}`, sender, sequence };
}

/** Records nonces that the chain has used and the books did not give out, and holds the chain for them. */
export async function recordSequences(
  pool: Pool,
  chain: Chain,
  sender: string,
  sequences: readonly bigint[],
): Promise<void> {
  await recordAll(
    pool,
    chain,
    sequences.map((sequence) => usedNonce(sender, sequence)),
  );
}

async function recordAll(pool: Pool, chain: Chain, outflows: readonly NewOutflow[]): Promise<void> {
  await insertOutflows(pool, chain, outflows);
  await holdForUnknown(pool, chain);
}

/** Stores what left. Storing it again has no effect. */
export async function insertOutflows(
  pool: Pool,
  chain: Chain,
  outflows: readonly NewOutflow[],
): Promise<void> {
  for (const outflow of outflows) {
    const blank = {
      sequence: null,
      tx_hash: null,
      height: null,
      currency: null,
      address: null,
      amount: null,
    };
    const row = { chain, ...blank, ...outflow };
    await pool.query(
      `insert into chain_outflows (chain, id, sender, sequence, tx_hash, height, currency, address, amount, seen_at, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), $10) on conflict do nothing`,
      [
        chain,
        row.id,
        row.sender,
        row.sequence,
        row.tx_hash,
        row.height,
        row.currency,
        row.address,
        row.amount,
        pool.guard.macOf('chain_outflows', row),
      ],
    );
  }
}

/** Opens or renews the hold for what is not explained. */
async function holdForUnknown(pool: Pool, chain: Chain): Promise<void> {
  const unknown = await listUnknown(pool, chain);
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, shownOutflows).map(describeOutflow);
  const more = unknown.length > shownOutflows ? `, and ${unknown.length - shownOutflows} more` : '';
  const text = `The books did not give out what left on the chain: ${shown.join('; ')}${more}. Run: openledger chains adopt ${chain} TX_HASH`;
  await holdChain(pool, chain, 'unknown_outflow', text);
}

const shownOutflows = 10;

/** Says in an open hold what is left to explain. */
export async function renewHold(pool: Pool, chain: Chain): Promise<void> {
  const isHeld = (await listHolds(pool, chain)).some(({ kind }) => kind === 'unknown_outflow');
  if (!isHeld) return;
  if ((await listUnknown(pool, chain)).length > 0) return holdForUnknown(pool, chain);
  const text = `What left on the chain is explained. Run: openledger chains resume ${chain}`;
  await holdChain(pool, chain, 'unknown_outflow', text);
}

/** What left, in words. */
export function describeOutflow({
  address,
  amountMinor,
  currency,
  sender,
  sequence,
  txHash,
}: Outflow): string {
  if (sequence !== null) return `nonce ${sequence} of ${sender}`;
  const amount = `${formatAmount(amountMinor ?? 0n, currencyScale.usdc)} ${currency}`;
  return `${amount} to ${address || 'nobody'} in ${txHash}`;
}

/** How an outflow is explained. */
export interface Resolution {
  readonly resolution: NonNullable<ChainOutflowRow['resolution']>;
  /** The payment or the booked outflow. */
  readonly reference?: string;
  readonly reason?: string;
  /** The operator; the server if omitted. */
  readonly by?: string;
}

/** Explains what left. Does nothing if it is explained already. */
export async function resolveOutflow(
  pool: Pool,
  chain: Chain,
  id: string,
  { by, reason, reference, resolution }: Resolution,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<ChainOutflowRow>(
      `select ${authenticatedColumns('chain_outflows')} from chain_outflows t
        where t.chain = $1 and t.id = $2 for update`,
      [chain, id],
    );
    const [row] = rows;
    if (!row) return;
    if (row.resolution !== null && pool.guard.isAuthentic('chain_outflows', { ...row })) return;
    const resolved = {
      ...row,
      resolution,
      reference: reference ?? null,
      reason: reason ?? null,
      resolved_by: by ?? null,
    };
    await client.query(
      `update chain_outflows set resolution = $3, reference = $4, reason = $5, resolved_by = $6, resolved_at = now(), mac = $7
        where chain = $1 and id = $2`,
      [
        chain,
        id,
        resolution,
        resolved.reference,
        resolved.reason,
        resolved.resolved_by,
        pool.guard.macOf('chain_outflows', resolved),
      ],
    );
  });
}
