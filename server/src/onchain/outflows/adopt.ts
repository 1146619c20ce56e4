import type { ChainPort, SeenTransfer } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { printRate } from '../../rates/provider.ts';
import { findLiveTransfers, type LiveTransfer } from '../../resources/transfers/queries.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { Writer } from '../../writer/writer.ts';
import { readCursor } from '../cursor.ts';
import { ownTransactions } from '../payments/queries.ts';
import { fixConversion } from '../payments/quote.ts';
import { adoptPayment } from './adopt-payment.ts';
import { AdoptionError } from './adoption-error.ts';
import { bookOutflow, findLiveEnvironment, outflowId } from './book.ts';
import { watchOnlySender } from './check.ts';
import {
  insertOutflows,
  movedOutflow,
  type NewOutflow,
  renewHold,
  resolveOutflow,
  usedNonce,
} from './commands.ts';
import { amountOf, listPayableTo } from './payable.ts';

export interface AdoptionDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly port: ChainPort;
}

/** What an operator orders. */
export interface AdoptionOrder {
  readonly txHash: string;
  /** The transfer that it paid; found by destination, token and amount if omitted. */
  readonly transferId?: string | undefined;
  /** Required for an outflow that paid no transfer. */
  readonly reason?: string | undefined;
  readonly by: string;
}

/** How a movement of the transaction was explained. */
export interface Adoption {
  /** `payment`: it paid a transfer. `outflow`: it was booked as a loss. `no_outflow`: nothing left our addresses. */
  readonly resolution: 'payment' | 'outflow' | 'no_outflow';
  /** The transfer, or the booked outflow. */
  readonly reference: string | undefined;
  readonly movement: SeenTransfer | undefined;
}

/**
 * Explains a transaction of our own addresses that the books did not give out: it paid a transfer, which then completes with it, or it is
 * booked as a loss. Adopting it again has no effect.
 *
 * @throws AdoptionError if it is not final, is not ours, or could have paid several transfers
 * @throws ChainError if the nodes do not respond or do not agree
 */
export async function adoptTransaction(deps: AdoptionDeps, order: AdoptionOrder): Promise<Adoption[]> {
  const { pool, port } = deps;
  const { chain } = port;
  const { txHash } = order;
  const found = await findTransaction(deps, txHash);
  const rows: NewOutflow[] = found.movements.map(movedOutflow);
  if (found.sequence !== undefined)
    rows.push({ ...usedNonce(found.sender, found.sequence), tx_hash: txHash });
  const adoptions: Adoption[] = [];
  if ((await ownTransactions(pool, [txHash])).has(txHash)) {
    adoptions.push({ resolution: 'payment', reference: undefined, movement: undefined });
  } else {
    if (order.transferId !== undefined && found.movements.length !== 1) {
      throw new AdoptionError(
        `--transfer: ${txHash} must move tokens once; it does so ${found.movements.length} times.`,
      );
    }
    for (const movement of found.movements)
      adoptions.push(await explain(deps, order, movement, found.sequence));
  }
  if (adoptions.length === 0)
    adoptions.push({ resolution: 'no_outflow', reference: undefined, movement: undefined });
  const [{ reference, resolution }] = adoptions as [Adoption];
  await insertOutflows(pool, chain, rows);
  const more = { by: order.by, ...(order.reason === undefined ? {} : { reason: order.reason }) };
  for (const { id } of rows) {
    const own = adoptions.find(({ movement }) => movement && movedOutflow(movement).id === id);
    const of = own ?? { resolution, reference };
    const named = of.reference === undefined ? {} : { reference: of.reference };
    await resolveOutflow(pool, chain, id, { resolution: of.resolution, ...named, ...more });
  }
  await renewHold(pool, chain);
  return adoptions;
}

/** A final transaction of one of our addresses. */
interface OwnTransaction {
  /** In the registry's form. */
  readonly sender: string;
  readonly sequence: bigint | undefined;
  /** What left the sender to others than the treasury. */
  readonly movements: readonly SeenTransfer[];
}

async function findTransaction({ pool, port }: AdoptionDeps, txHash: string): Promise<OwnTransaction> {
  const {
    chain,
    outflows,
    reader,
    sender: { treasury },
  } = port;
  await reader.head();
  const block = await reader.minedIn(txHash);
  if (!block) throw new AdoptionError(`No node has ${txHash} in a block of ${chain}.`);
  const confirmed = (await readCursor(pool, chain))?.confirmed ?? -1;
  if (block.height > confirmed) {
    throw new AdoptionError(
      `${txHash} is in block ${block.height}; the server has read final blocks up to ${confirmed}: try again later.`,
    );
  }
  const order = await outflows.orderOf(txHash);
  const sender = order ? await findOwnAddress(pool, port, order.sender) : treasury;
  const watched = watchOnlySender(port.comparable(sender ?? treasury));
  const seen = await reader.scan(block.height, block.height, watched, true);
  const movements = seen.filter(
    (one) => one.isOutgoing && one.txHash === txHash && one.to !== port.comparable(treasury),
  );
  if (sender === undefined && movements.length === 0) {
    throw new AdoptionError(`${txHash} was not sent by the treasury or by a deposit address.`);
  }
  if (!order && movements.length === 0)
    throw new AdoptionError(`${txHash} moved nothing out of the treasury.`);
  return {
    sender: sender ?? treasury,
    sequence: sender === undefined ? undefined : order?.sequence,
    movements,
  };
}

/** @returns the address in the registry's form; undefined if it is not ours */
async function findOwnAddress(pool: Pool, port: ChainPort, sender: string): Promise<string | undefined> {
  const { treasury } = port.sender;
  if (port.comparable(treasury) === sender) return treasury;
  const { rows } = await pool.query<{ address: string } & Record<string, unknown>>(
    `select ${authenticatedColumns('deposit_addresses')} from deposit_addresses t
      where t.chain = $1 and lower(t.address) = lower($2)`,
    [port.chain, sender],
  );
  return rows.find((row) => pool.guard.admits('deposit_addresses', row))?.address;
}

async function explain(
  deps: AdoptionDeps,
  order: AdoptionOrder,
  movement: SeenTransfer,
  sequence: bigint | undefined,
): Promise<Adoption> {
  const { pool, port } = deps;
  const transfer = await chooseTransfer(deps, order, movement);
  if (!transfer) return bookLoss(deps, order, movement);
  const amount = amountOf(transfer);
  if (amount === undefined) await fixPaid(deps, transfer, movement.amount);
  else if (amount !== movement.amount) {
    throw new AdoptionError(
      `${transfer.id} pays ${amount} minor units; ${movement.txHash} moved ${movement.amount}.`,
    );
  }
  const { amount: amountMinor, txHash } = movement;
  await adoptPayment(pool, port, transfer, { txHash, sequence, amountMinor });
  return { resolution: 'payment', reference: transfer.id, movement };
}

/** @returns undefined if no transfer can have been paid by the movement */
async function chooseTransfer(
  { pool, port }: AdoptionDeps,
  { transferId }: AdoptionOrder,
  { amount, currency, from, to }: SeenTransfer,
): Promise<LiveTransfer | undefined> {
  // Transfers are paid by the treasury only.
  if (from !== port.comparable(port.sender.treasury)) return undefined;
  const paid = { currency: currency as Stablecoin, address: to };
  const payable = await listPayableTo(pool, port.chain, paid, port.comparable);
  const candidates =
    transferId === undefined
      ? payable.filter((transfer) => amountOf(transfer) === amount)
      : payable.filter(({ id }) => id === transferId);
  const [first] = candidates;
  if (transferId !== undefined && !first) {
    throw new AdoptionError(
      `--transfer: ${transferId} must be a transfer that has not ended, of ${currency} to ${to}.`,
    );
  }
  if (candidates.length > 1) {
    throw new AdoptionError(
      `It can have paid ${candidates.map(({ id }) => id).join(' or ')}: name one with --transfer.`,
    );
  }
  if (first?.status === 'in_review') {
    throw new AdoptionError(`${first.id} is in review: approve it first (openledger transfers approve).`);
  }
  const unpriced = payable.filter((transfer) => amountOf(transfer) === undefined);
  if (!first && unpriced.length > 0) {
    const named = unpriced.map(({ id }) => id).join(' or ');
    throw new AdoptionError(
      `It can have paid ${named}, whose conversion is not fixed: name it with --transfer.`,
    );
  }
  return first;
}

/** Fixes the converted amount of a transfer as it was paid. */
async function fixPaid(
  { pool, writer }: AdoptionDeps,
  transfer: LiveTransfer,
  paidMinor: bigint,
): Promise<void> {
  const { id, net_minor: net } = transfer;
  if (paidMinor * 2n < net || paidMinor > net * 2n) {
    throw new AdoptionError(`${id} converts ${net} minor units: ${paidMinor} cannot be what they came to.`);
  }
  const exchangeRate = printRate({ numerator: paidMinor, denominator: net }, 'down', 8);
  await writer.submit(fixConversion(transfer, { finalMinor: paidMinor, exchangeRate, exchangeFeeMinor: 0n }));
  const fixed = (await findLiveTransfers(pool, [id])).get(id)?.final_minor;
  if (fixed !== paidMinor)
    throw new AdoptionError(`The amount of ${id} cannot be fixed at ${paidMinor}: try again.`);
}

async function bookLoss(
  { pool, port, writer }: AdoptionDeps,
  { by, reason }: AdoptionOrder,
  movement: SeenTransfer,
): Promise<Adoption> {
  if (reason === undefined) {
    throw new AdoptionError('It paid no transfer: --reason is required to book it as a loss.');
  }
  const environmentId = await findLiveEnvironment(pool);
  if (environmentId === undefined) throw new AdoptionError('There is no live environment.');
  const { amount, currency, to, txHash } = movement;
  const id = outflowId(port.chain, movedOutflow(movement).id);
  const outcome = await writer.submit(
    bookOutflow(environmentId, id, {
      chain: port.chain,
      tx_hash: txHash,
      currency: currency ?? '',
      amount_minor: amount,
      address: to,
      reason,
      booked_by: by,
    }),
  );
  if (outcome.kind !== 'accepted') throw new AdoptionError(`${txHash} cannot be booked: try again.`);
  return { resolution: 'outflow', reference: id, movement };
}
