import { expect } from 'vitest';
import { type Caller, type Fixture, forEachOf, type Sent, waitUntil, walk } from './load.ts';

/** What must be true after a load, whatever was killed, cut off or filled up meanwhile. */

/** How many requests were acknowledged, and what became of the others. */
export interface Counts {
  acknowledged: number;
  cutOff: number;
  /** Of those that were cut off: how many had taken effect all the same. */
  cutOffButEffective: number;
}

const atOnce = 32;
const settleMs = 60_000;

/** The books are sound. */
async function expectClean(caller: Caller): Promise<void> {
  const { text } = await caller.get('/v1/ledger/verify');
  expect(JSON.parse(text).data, text).toMatchObject({ ok: true, problems: [] });
}

/** Every acknowledged request's effect is there, and its key gives the same bytes again. */
export async function expectKept(caller: Caller, sent: readonly Sent[]): Promise<void> {
  await forEachOf(sent, atOnce, async ({ answer, body, key, kind, path }) => {
    if (!answer) return;
    expect(answer.status, answer.text).toBe(kind === 'refused' ? 400 : 200);
    const again = await caller.post(path, body, key);
    expect(again, key).toEqual({ ...answer, replayed: true });
    if (kind === 'refused') return;
    const { id } = JSON.parse(answer.text).data;
    const found = await caller.get(`/v1/${kind === 'customer' ? 'customers' : 'transactions'}/${id}`);
    expect(found.status, key).toBe(200);
  });
}

/** What was cut off is sent again with its key, twice: it takes effect now, unless it had already. */
async function sendAgain(caller: Caller, sent: readonly Sent[]): Promise<number> {
  let effective = 0;
  await forEachOf(sent, atOnce, async (request) => {
    if (request.answer) return;
    const { replayed, status, text } = await caller.post(request.path, request.body, request.key);
    expect(status, text).toBe(request.kind === 'refused' ? 400 : 200);
    request.answer = { status, text };
    if (replayed) effective += 1;
    const again = await caller.post(request.path, request.body, request.key);
    expect(again).toEqual({ status, text, replayed: true });
  });
  return effective;
}

/** After a fault has passed: the books are sound, what was acknowledged is kept, and what was not is sent again. */
export async function recoverFrom(caller: Caller, sent: readonly Sent[], counts: Counts): Promise<void> {
  await expectClean(caller);
  counts.acknowledged += sent.filter(({ answer }) => answer).length;
  await expectKept(caller, sent);
  counts.cutOff += sent.filter(({ answer }) => !answer).length;
  counts.cutOffButEffective += await sendAgain(caller, sent);
}

/** Waits until no transfer is on its way any more. */
async function expectSettled(caller: Caller): Promise<void> {
  const isSettled = async (): Promise<boolean> => {
    const open = ['in_review', 'funds_received', 'payment_submitted'].map((status) =>
      walk(caller, `/v1/transactions?status=${status}`),
    );
    return (await Promise.all(open)).every((items) => items.length === 0);
  };
  expect(await waitUntil(isSettled, settleMs)).toBe(true);
}

/** When the transfers have settled, everything is there once, and the balances are what they must be. */
async function expectExactlyOnce(caller: Caller, fixture: Fixture, all: readonly Sent[]): Promise<void> {
  await expectSettled(caller);
  const ofKind = (kind: Sent['kind']) => all.filter((request) => request.kind === kind);
  const idsOf = (requests: readonly Sent[]) =>
    requests.map(({ answer }) => JSON.parse(answer?.text ?? '').data.id as string).sort();

  const transactions = await walk(caller, '/v1/transactions');
  const transfers = transactions.filter(({ type }) => type === 'transfer');
  expect(transfers.map(({ clientReferenceId }) => clientReferenceId).sort()).toEqual(
    ofKind('transfer')
      .map(({ key }) => key)
      .sort(),
  );
  expect(transfers.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('transfer')));
  const deposits = transactions.filter(({ amount, type }) => type === 'deposit' && amount !== '1000000.00');
  expect(deposits.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('deposit')));
  const customers = (await walk(caller, '/v1/customers')).filter(({ externalId }) => externalId !== null);
  expect(customers.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('customer')));
  expect(new Set(customers.map(({ externalId }) => externalId)).size).toBe(customers.length);

  for (const walletId of fixture.walletIds) {
    const minor = (kind: Sent['kind']) =>
      ofKind(kind)
        .map(({ body }) => body as { walletId: string; amount: string })
        .filter((body) => body.walletId === walletId)
        .reduce((sum, { amount }) => sum + toMinor(amount), 0n);
    const { text } = await caller.get(`/v1/crypto-wallets/${walletId}/balance`);
    const expected = 1_000_000_000_000n + minor('deposit') - minor('transfer');
    expect(toMinor(JSON.parse(text).data.balance)).toBe(expected);
  }
}

/**
 * Every customer and transaction has each of its events once.
 *
 * @returns the ids of all events
 */
async function expectEveryEvent(caller: Caller): Promise<string[]> {
  const events = await walk(caller, '/v1/events');
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const found = new Map<string, string[]>();
  for (const { data, type } of events) {
    const name = type === 'transaction.updated' ? `${type} ${data.status}` : type;
    found.set(data.id, [...(found.get(data.id) ?? []), name]);
  }
  const deposit = ['transaction.completed', 'transaction.created'];
  const transfer = [
    ...deposit,
    'transaction.updated completed',
    'transaction.updated funds_received',
    'transaction.updated payment_submitted',
  ];
  for (const { id, type } of await walk(caller, '/v1/transactions')) {
    expect(found.get(id)?.sort(), id).toEqual(type === 'deposit' ? deposit : transfer);
  }
  for (const { externalId, id } of await walk(caller, '/v1/customers')) {
    if (externalId !== null) expect(found.get(id), id).toEqual(['customer.created']);
  }
  return events.map(({ id }) => id as string);
}

/** Everything that holds at the end of a whole run. @returns the ids of all events */
export async function expectSound(caller: Caller, fixture: Fixture, all: readonly Sent[]): Promise<string[]> {
  await expectClean(caller);
  await expectExactlyOnce(caller, fixture, all);
  const events = await expectEveryEvent(caller);
  await expectClean(caller);
  return events;
}

function toMinor(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}
