import type { ChainPort, SeenTransfer, WatchedAddresses } from '../../chains/port.ts';
import type { Pool } from '../../store/pool.ts';

/** What a transaction is evidence of, why it is none, or why that is not known yet. */
export type Evidence =
  | { readonly amount: bigint }
  | { readonly refusal: string }
  | { readonly waits: string };

/**
 * Reads what a final transaction moved from the treasury to an address, by as many nodes as must agree.
 *
 * @param address the destination in the registry's form
 */
export async function readPaidAmount(
  port: ChainPort,
  txHash: string,
  address: string,
  currency: string,
): Promise<Evidence> {
  const block = await findFinalBlock(port, txHash);
  if ('refusal' in block || 'waits' in block) return block;
  const to = port.comparable(address);
  const treasury = port.comparable(port.sender.treasury);
  const moved = await port.reader.scan(block.height, block.height, only(to), true);
  const paid = moved.filter(
    (one) => one.txHash === txHash && one.from === treasury && one.to === to && one.currency === currency,
  );
  if (paid.length > 0) return { amount: paid.reduce((sum, { amount }) => sum + amount, 0n) };
  return { refusal: `${txHash} moves no ${currency} from the treasury to ${address}.` };
}

/**
 * Finds a transfer in the chain again, by as many nodes as must agree.
 *
 * @param isWanted selects the transfer among those to its address in the block
 */
export async function findTransfer(
  port: ChainPort,
  txHash: string,
  to: string,
  isWanted: (transfer: SeenTransfer) => boolean,
): Promise<{ readonly transfer: SeenTransfer } | Exclude<Evidence, { amount: bigint }>> {
  const block = await findFinalBlock(port, txHash);
  if ('refusal' in block || 'waits' in block) return block;
  const { height } = block;
  const unlisted = (await port.reader.scanUnlisted?.(height, height, only(to))) ?? [];
  const found = [...(await port.reader.scan(height, height, only(to), true)), ...unlisted];
  const transfer = found.find((one) => one.txHash === txHash && isWanted(one));
  return transfer ? { transfer } : { refusal: `The nodes do not find the transfer in ${txHash} any more.` };
}

async function findFinalBlock(port: ChainPort, txHash: string) {
  const head = await port.reader.head();
  const block = await port.reader.minedIn(txHash);
  if (!block) return { refusal: `No node has the transaction ${txHash}.` };
  if (block.height <= (await port.reader.finalHeight(head))) return block;
  return { waits: `${txHash} is not final yet.` };
}

function only(address: string): WatchedAddresses {
  return { size: 1, has: (other) => other === address, keys: () => [address] };
}

/** Finds the payment or order that a transaction belongs to already, other than the payment named. */
export async function findUseOf(pool: Pool, txHash: string, exceptId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from chain_payments where tx_hash = $1 and id <> $2
      union all select payment_id from chain_attempts where tx_hash = $1 and payment_id <> $2
      union all select payment_id from void_attempts where tx_hash = $1
      union all select subject from operator_actions where parameters ->> 'txHash' = $1 and subject <> $2
        and kind = 'payment_resolve' and status in ('accepted', 'done') limit 1`,
    [txHash, exceptId],
  );
  return rows[0]?.id;
}
