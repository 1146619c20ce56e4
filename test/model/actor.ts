import { expect } from 'vitest';
import type { Random } from '../simulate/random.ts';
import type { ApiAnswer, ApiClient } from '../support/client.ts';
import { address, newWallet, ok, walk } from '../support/factories.ts';
import {
  advance,
  cancel,
  depositInto,
  type Expected,
  type ModelTransfer,
  type ModelWallet,
  newModelWallet,
  printAmount,
  setStatus,
  type TransferStatus,
  transferOut,
} from './model.ts';

/** Sends random requests about one wallet to the servers and to the model, whose responses must be equal. */
export interface Actor {
  /** Makes one request, or several concurrent ones whose common outcome is certain. */
  step(): Promise<void>;
  /** Compares the wallet and everything that belongs to it with the model. */
  compare(): Promise<void>;
  readonly counts: Map<string, number>;
}

const targetStatuses = [
  undefined,
  undefined,
  'funds_received',
  'payment_submitted',
  'completed',
  'failed',
  'refunded',
  'in_review',
] as const;

/** One wallet, in the servers and in the model. */
interface Subject {
  /** One for each server: a random one gets a request. */
  readonly clients: readonly ApiClient[];
  readonly random: Random;
  /** What its idempotency keys begin with. */
  readonly name: string;
  readonly customerId: string;
  readonly walletId: string;
  readonly model: ModelWallet;
  /** The ids of the transfers, by those of the model. */
  readonly ids: Map<ModelTransfer, string>;
  readonly counts: Map<string, number>;
  /** How many requests were sent. */
  sent: number;
}

/**
 * Creates a wallet, and an actor that sends requests about it.
 *
 * @param clients one for each server: a random one gets a request
 * @param name what the actor's idempotency keys begin with
 */
export async function createActor(
  clients: readonly ApiClient[],
  random: Random,
  name: string,
): Promise<Actor> {
  const { customerId, id: walletId } = await newWallet(random.pick(clients));
  const subject: Subject = {
    ...{ clients, random, name, customerId, walletId, sent: 0 },
    model: newModelWallet(),
    ids: new Map(),
    counts: new Map(),
  };
  return {
    counts: subject.counts,
    async step() {
      const kind = random.below(100);
      if (kind < 20) return deposit(subject);
      if (kind < 45) return transfer(subject);
      if (kind < 50) return race(subject);
      if (kind < 85) return move(subject);
      return kind < 92 ? changeStatus(subject) : compareBalance(subject);
    },
    compare: () => compareAll(subject),
  };
}

function clientOf({ clients, random }: Subject): ApiClient {
  return random.pick(clients);
}

function count({ counts }: Subject, what: string, expected: { status: number; reason?: string }): void {
  const key = `${what} ${expected.reason ?? expected.status}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function outcomeOf(expected: Expected) {
  return { status: expected.status, reason: 'reason' in expected ? expected.reason : undefined };
}

/** Sends a request, sometimes several times concurrently, or later with another body: a key has one response. */
async function send(
  subject: Subject,
  what: string,
  path: string,
  body: object,
  expected: Expected,
): Promise<ApiAnswer> {
  const { name, random } = subject;
  subject.sent += 1;
  const key = { 'idempotency-key': `${name}-${subject.sent}` };
  const repeats = random.chance(30) ? 1 + random.below(3) : 0;
  const answers = await Promise.all(
    Array.from({ length: 1 + repeats }, () => clientOf(subject).post(path, body, key)),
  );
  const [answer] = answers as [ApiAnswer];
  for (const other of answers) {
    const contentOf = ({ data, error, status }: ApiAnswer) => ({ status, data, reason: error?.reason });
    expect(contentOf(other), `${what} ${key['idempotency-key']}`).toEqual(contentOf(answer));
  }
  const outcome = { status: answer.status, reason: answer.error?.reason };
  expect(outcome, `${what}: ${answer.text}`).toEqual(outcomeOf(expected));
  count(subject, what, expected);
  if (random.chance(5)) {
    const misuse = await clientOf(subject).post(path, { ...body, another: 'body' }, key);
    expect([misuse.status, misuse.error.reason]).toSatisfy(
      ([status, reason]) =>
        (status === 409 && reason === 'idempotency_key_reused') ||
        (status === 400 && reason === 'validation_failed'),
    );
  }
  return answer;
}

function drawAmount({ model, random }: Subject): bigint {
  const kind = random.below(10);
  if (kind === 0) return BigInt(1 + random.below(3));
  if (kind < 3) return model.availableMinor + BigInt(random.below(3)) || 1n;
  return BigInt(1 + random.below(20_000_000));
}

function transferBody({ customerId, walletId }: Subject, amountMinor: bigint) {
  return {
    customerId,
    walletId,
    amount: printAmount(amountMinor),
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress: address.solana,
  };
}

async function deposit(subject: Subject): Promise<void> {
  const { model, random, walletId } = subject;
  const amountMinor = BigInt(1 + random.below(50_000_000));
  const body = { walletId, chain: 'solana', currency: 'usdc', amount: printAmount(amountMinor) };
  await send(subject, 'deposit', '/v1/sandbox/crypto-deposits', body, depositInto(model, amountMinor));
}

async function transfer(subject: Subject): Promise<void> {
  const { ids, model } = subject;
  const amountMinor = drawAmount(subject);
  const expected = transferOut(model, amountMinor);
  const body = transferBody(subject, amountMinor);
  const { data } = await send(subject, 'transfer', '/v1/transfers', body, expected);
  if (expected.status !== 200) return;
  const made = model.transfers.at(-1) as ModelTransfer;
  ids.set(made, data.id);
  expect(data).toMatchObject({
    status: 'in_review',
    amount: printAmount(made.amountMinor),
    fee: printAmount(made.feeMinor),
    netAmount: printAmount(made.amountMinor - made.feeMinor),
  });
}

/** Concurrent transfers of equal amounts: which of them are refused is random, how many is not. */
async function race(subject: Subject): Promise<void> {
  const { ids, model, random } = subject;
  const amountMinor = BigInt(1000 + random.below(10_000_000));
  const before = model.transfers.length;
  const racers = Array.from({ length: 2 + random.below(6) }, () => transferOut(model, amountMinor));
  const answers = await Promise.all(
    racers.map(() => clientOf(subject).post('/v1/transfers', transferBody(subject, amountMinor))),
  );
  const sorted = (all: readonly { status: number; reason?: string }[]) =>
    all.map(({ reason, status }) => `${status} ${reason ?? ''}`).sort();
  expect(sorted(answers.map(({ error, status }) => ({ status, reason: error?.reason })))).toEqual(
    sorted(racers),
  );
  for (const expected of racers) count(subject, 'race', expected);
  const made = answers.filter(({ status }) => status === 200);
  for (const [index, one] of model.transfers.slice(before).entries()) ids.set(one, made[index]?.data.id);
}

/** Cancels a transfer, or moves it on. */
async function move(subject: Subject): Promise<void> {
  const { ids, model, random } = subject;
  if (model.transfers.length === 0) return;
  // Most of the older transfers have ended.
  const transfers = random.chance(80) ? model.transfers.slice(-5) : model.transfers;
  const one = random.pick(transfers);
  const id = ids.get(one);
  if (random.chance(20)) {
    await send(subject, 'cancel', `/v1/transfers/${id}/cancel`, {}, cancel(model, one));
    return;
  }
  const status: TransferStatus | undefined = random.pick(targetStatuses);
  const expected = advance(model, one, status);
  const body = status === undefined ? {} : { status };
  const path = `/v1/sandbox/transactions/${id}/advance`;
  const answer = await send(subject, 'advance', path, body, expected);
  if (expected.status === 200) expect(answer.data.status).toBe(one.status);
}

async function changeStatus(subject: Subject): Promise<void> {
  const { model, random, walletId } = subject;
  const status = random.pick(['active', 'active', 'active', 'frozen', 'closed'] as const);
  const expected = setStatus(model, status);
  const answer = await clientOf(subject).patch(`/v1/crypto-wallets/${walletId}`, { status });
  expect({ status: answer.status, reason: answer.error?.reason }).toEqual(outcomeOf(expected));
  count(subject, 'status', expected);
}

async function compareBalance(subject: Subject): Promise<void> {
  const { balance } = await ok(clientOf(subject).get(`/v1/crypto-wallets/${subject.walletId}/balance`));
  expect(balance).toBe(printAmount(subject.model.availableMinor));
}

/** Compares the wallet, its transfers and all their events. */
async function compareAll(subject: Subject): Promise<void> {
  const { ids, model, walletId } = subject;
  await compareBalance(subject);
  const { status } = await ok(clientOf(subject).get(`/v1/crypto-wallets/${walletId}`));
  expect(status).toBe(model.status);
  expect(await eventsAbout(clientOf(subject), walletId)).toEqual(model.events);
  const listed = await walk(clientOf(subject), `/v1/transfers?walletId=${walletId}`, 200);
  expect(listed.map(({ id }) => id).sort()).toEqual([...ids.values()].sort());
  for (const [one, id] of ids) {
    expect(listed.find((row) => row.id === id)?.status).toBe(one.status);
    expect(await eventsAbout(clientOf(subject), id, true)).toEqual(one.events);
  }
}

/** The events about an object, oldest first. */
async function eventsAbout(api: ApiClient, objectId: string, withStatus = false): Promise<string[]> {
  const events = await walk(api, `/v1/events?objectId=${objectId}`, 100);
  return events.map(({ data, type }) => (withStatus ? `${type} ${data.status}` : type)).reverse();
}
