import { verifyLedger } from '../../../server/src/ledger/verify.ts';
import { reconcileChain } from '../../../server/src/onchain/reconciliation/reconcile.ts';
import type { TransactionRow } from '../../../server/src/store/tables/transactions.ts';
import type { World } from './world.ts';

/** What must hold at every moment: nothing is on the chain twice. */
export function paidTwice({ model, transfers }: World): string | undefined {
  for (const { id, to } of transfers) {
    const payments = model.paidTo(to);
    if (payments.length > 1) return `paid_twice ${id} ${payments.join()}`;
  }
  return undefined;
}

type Row = Pick<TransactionRow, 'id' | 'status' | 'type' | 'amount_minor' | 'source_tx_hash'>;

async function readTransactions({ process }: World): Promise<readonly Row[]> {
  const { rows } = await process.pool.query<Row>(
    'select id, status, type, amount_minor, source_tx_hash from transactions order by id',
  );
  return rows;
}

/** What is not finished yet; undefined if everything is. */
export async function unfinished(world: World): Promise<string | undefined> {
  const open = (await readTransactions(world)).filter(
    ({ status }) => !['completed', 'refunded', 'failed'].includes(status),
  );
  const { rows } = await world.process.pool.query<{ id: string }>(
    "select id from chain_payments where status = 'open'",
  );
  const deposits = await depositFault(world);
  const left = [...open.map(({ id, status }) => `${id} ${status}`), ...rows.map(({ id }) => `payment ${id}`)];
  if (deposits) left.push(deposits);
  return left.length > 0 ? left.join(', ') : undefined;
}

/** The first invariant that does not hold at the end of a run. */
export async function brokenAtEnd(world: World): Promise<string | undefined> {
  return (
    paidTwice(world) ??
    (await transferFault(world)) ??
    (await depositFault(world)) ??
    (await balanceFault(world)) ??
    (await booksFault(world))
  );
}

/**
 * Every transfer was paid exactly once, or refunded and not paid. One that a restored database has forgotten may have been paid: then it
 * is booked as a loss.
 */
async function transferFault(world: World): Promise<string | undefined> {
  const rows = new Map((await readTransactions(world)).map((row) => [row.id, row]));
  const { rows: booked } = await world.process.pool.query<{ address: string }>(
    "select address from chain_outflows where resolution = 'outflow'",
  );
  const losses = new Set(booked.map(({ address }) => address));
  for (const { id, netMinor, to } of world.transfers) {
    const status = rows.get(id)?.status;
    const paid = world.model.paidTo(to).join();
    if (status === 'completed' && paid !== String(netMinor)) return `completed_not_paid ${id}: ${paid}`;
    const isNamed = status === undefined && losses.has(world.model.comparable(to));
    if (status !== 'completed' && paid !== '' && !isNamed) return `paid_not_completed ${id}: ${status}`;
  }
  return undefined;
}

/** Every deposit that is final was credited exactly once, and nothing else was. */
async function depositFault(world: World): Promise<string | undefined> {
  const credited = (await readTransactions(world))
    .filter(({ status, type }) => type === 'deposit' && status === 'completed')
    .map(({ amount_minor: amount, source_tx_hash: hash }) => `${hash} ${amount}`);
  const { fixture, model, options } = world;
  const owned = new Set(fixture.wallets.map(({ addresses }) => model.comparable(addresses[options.chain])));
  const arrived = model
    .deposits()
    .filter(({ to }) => owned.has(to))
    .map(({ amountMinor, txHash }) => `${txHash} ${amountMinor}`);
  const missing = arrived.find((text) => !credited.includes(text));
  if (missing) return `deposit_not_credited ${missing}`;
  const extra = credited.find((text, at) => !arrived.includes(text) || credited.indexOf(text) !== at);
  return extra && `credited_without_deposit ${extra}`;
}

/** Every wallet has what arrived for it, without what was sent out of it. What it could not give back is a loss on the books. */
async function balanceFault({
  fixture,
  model,
  options,
  process,
  transfers,
}: World): Promise<string | undefined> {
  const { rows } = await process.pool.query<{ wallet_id: string; balance: string }>(
    "select wallet_id, sum(balance_minor)::text as balance from accounts where wallet_id is not null and currency = 'usdc' group by 1",
  );
  const { rows: ended } = await process.pool.query<{ id: string }>(
    "select id from transactions where type = 'transfer' and status = 'completed'",
  );
  const { rows: losses } = await process.pool.query<{ wallet_id: string; lost: string }>(
    'select wallet_id, sum(lost_minor)::text as lost from chain_deposits where lost_minor is not null group by 1',
  );
  const completed = new Set(ended.map(({ id }) => id));
  for (const wallet of fixture.wallets) {
    const arrived = model
      .deposits()
      .filter(({ to }) => to === model.comparable(wallet.addresses[options.chain]))
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
    const sent = transfers
      .filter(({ id, wallet: from }) => from === wallet && completed.has(id))
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
    const held = BigInt(rows.find(({ wallet_id: id }) => id === wallet.id)?.balance ?? 0);
    const lost = BigInt(losses.find(({ wallet_id: id }) => id === wallet.id)?.lost ?? 0);
    const expected = arrived - sent + lost;
    if (held !== expected) return `wallet_balance ${wallet.id}: ${held}, not ${expected}`;
  }
  return undefined;
}

/** `verify` and `reconcile`, as an operator runs them. */
async function booksFault({ fixture, process }: World): Promise<string | undefined> {
  const verified = await verifyLedger(process.pool, fixture.environmentId);
  const [problem] = verified.problems;
  if (problem) return `verify ${problem.kind}`;
  const reconciled = await reconcileChain(process.pool, process.port);
  if (reconciled.kind === 'not_ready') return `reconcile ${reconciled.why}`;
  const differing = reconciled.tokens.find(({ unexplainedMinor }) => unexplainedMinor !== 0n);
  return differing && `reconcile ${differing.unexplainedMinor} ${differing.currency}`;
}
