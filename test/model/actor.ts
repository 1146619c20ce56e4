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
  newModelWallet,
  printAmount,
  setStatus,
  type TransferStatus,
  transferOut,
} from './model.ts';

/** Requests about one wallet, each sent to the servers and to the model, whose answers must be the same. */
export interface Actor {
  /** Makes one request, or several at once whose outcome together is certain. */
  step(): Promise<void>;
  /** Compares everything that there is of the wallet. */
  compare(): Promise<void>;
  readonly counts: Map<string, number>;
}

const wantedStatuses = [
  undefined,
  undefined,
  'funds_received',
  'payment_submitted',
  'completed',
  'failed',
  'refunded',
  'in_review',
] as const;

/** @param clients one for each server; which of them gets a request is drawn */
export async function createActor(
  clients: readonly ApiClient[],
  random: Random,
  name: string,
): Promise<Actor> {
  const client = (): ApiClient => random.pick(clients);
  const { customerId, id: walletId } = await newWallet(client());
  const model = newModelWallet();
  const ids = new Map<ModelTransfer, string>();
  const counts = new Map<string, number>();
  let number = 0;

  const count = (what: string, { reason, status }: { status: number; reason?: string }): void => {
    const key = `${what} ${reason ?? status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };

  /** Sends a request, sometimes repeated at once or later, or misused: one key has one answer. */
  const send = async (what: string, path: string, body: object, expected: Expected): Promise<ApiAnswer> => {
    number += 1;
    const key = { 'idempotency-key': `${name}-${number}` };
    const repeats = random.chance(30) ? 1 + random.below(3) : 0;
    const answers = await Promise.all(
      Array.from({ length: 1 + repeats }, () => client().post(path, body, key)),
    );
    const [answer] = answers as [ApiAnswer];
    for (const other of answers) {
      const say = ({ data, error, status }: ApiAnswer) => ({ status, data, reason: error?.reason });
      expect(say(other), `${what} ${key['idempotency-key']}`).toEqual(say(answer));
    }
    expect({ status: answer.status, reason: answer.error?.reason }, `${what}: ${answer.text}`).toEqual({
      status: expected.status,
      reason: 'reason' in expected ? expected.reason : undefined,
    });
    count(what, expected);
    if (random.chance(5)) {
      const misuse = await client().post(path, { ...body, another: 'body' }, key);
      expect([misuse.status, misuse.error.reason]).toSatisfy(
        ([status, reason]) =>
          (status === 409 && reason === 'idempotency_key_reused') ||
          (status === 400 && reason === 'validation_failed'),
      );
    }
    return answer;
  };

  const drawAmount = (): bigint => {
    const kind = random.below(10);
    if (kind === 0) return BigInt(1 + random.below(3));
    if (kind < 3) return model.availableMinor + BigInt(random.below(3)) || 1n;
    return BigInt(1 + random.below(20_000_000));
  };

  const transferBody = (amountMinor: bigint) => ({
    customerId,
    walletId,
    amount: printAmount(amountMinor),
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress: address.solana,
  });

  const keep = (data: ApiAnswer['data']): void => {
    const transfer = model.transfers.at(-1) as ModelTransfer;
    ids.set(transfer, data.id);
    expect(data).toMatchObject({
      status: 'in_review',
      amount: printAmount(transfer.amountMinor),
      fee: printAmount(transfer.feeMinor),
      netAmount: printAmount(transfer.amountMinor - transfer.feeMinor),
    });
  };

  const deposit = async (): Promise<void> => {
    const amountMinor = BigInt(1 + random.below(50_000_000));
    const body = { walletId, chain: 'solana', currency: 'usdc', amount: printAmount(amountMinor) };
    await send('deposit', '/v1/sandbox/crypto-deposits', body, depositInto(model, amountMinor));
  };

  const transfer = async (): Promise<void> => {
    const amountMinor = drawAmount();
    const expected = transferOut(model, amountMinor);
    const answer = await send('transfer', '/v1/transfers', transferBody(amountMinor), expected);
    if (expected.status === 200) keep(answer.data);
  };

  /** Equal amounts from one wallet at once: which of them are refused is chance, how many is not. */
  const race = async (): Promise<void> => {
    const amountMinor = BigInt(1000 + random.below(10_000_000));
    const before = model.transfers.length;
    const racers = Array.from({ length: 2 + random.below(6) }, () => transferOut(model, amountMinor));
    const answers = await Promise.all(
      racers.map(() => client().post('/v1/transfers', transferBody(amountMinor))),
    );
    const say = (all: readonly { status: number; reason?: string }[]) =>
      all.map(({ reason, status }) => `${status} ${reason ?? ''}`).sort();
    expect(say(answers.map(({ error, status }) => ({ status, reason: error?.reason })))).toEqual(say(racers));
    for (const expected of racers) count('race', expected);
    const made = answers.filter(({ status }) => status === 200);
    for (const [index, one] of model.transfers.slice(before).entries()) ids.set(one, made[index]?.data.id);
  };

  const move = async (): Promise<void> => {
    if (model.transfers.length === 0) return;
    // Most of those made long ago have ended.
    const transfers = random.chance(80) ? model.transfers.slice(-5) : model.transfers;
    const one = random.pick(transfers);
    const id = ids.get(one);
    if (random.chance(20)) {
      await send('cancel', `/v1/transfers/${id}/cancel`, {}, cancel(model, one));
      return;
    }
    const status: TransferStatus | undefined = random.pick(wantedStatuses);
    const expected = advance(model, one, status);
    const body = status === undefined ? {} : { status };
    const answer = await send('advance', `/v1/sandbox/transactions/${id}/advance`, body, expected);
    if (expected.status === 200) expect(answer.data.status).toBe(one.status);
  };

  const changeStatus = async (): Promise<void> => {
    const status = random.pick(['active', 'active', 'active', 'frozen', 'closed'] as const);
    const expected = setStatus(model, status);
    const answer = await client().patch(`/v1/crypto-wallets/${walletId}`, { status });
    expect({ status: answer.status, reason: answer.error?.reason }).toEqual({
      status: expected.status,
      reason: 'reason' in expected ? expected.reason : undefined,
    });
    count('status', expected);
  };

  const balance = async (): Promise<void> => {
    const { balance: text } = await ok(client().get(`/v1/crypto-wallets/${walletId}/balance`));
    expect(text).toBe(printAmount(model.availableMinor));
  };

  return {
    counts,
    async step() {
      const kind = random.below(100);
      if (kind < 20) return deposit();
      if (kind < 45) return transfer();
      if (kind < 50) return race();
      if (kind < 85) return move();
      return kind < 92 ? changeStatus() : balance();
    },
    async compare() {
      await balance();
      const { status } = await ok(client().get(`/v1/crypto-wallets/${walletId}`));
      expect(status).toBe(model.status);
      expect(await eventsAbout(client(), walletId)).toEqual(model.events);
      const listed = await walk(client(), `/v1/transfers?walletId=${walletId}`, 200);
      expect(listed.map(({ id }) => id).sort()).toEqual([...ids.values()].sort());
      for (const [one, id] of ids) {
        expect(listed.find((row) => row.id === id)?.status).toBe(one.status);
        expect(await eventsAbout(client(), id, true)).toEqual(one.events);
      }
    },
  };
}

/** The events about an object, oldest first. */
async function eventsAbout(api: ApiClient, objectId: string, withStatus = false): Promise<string[]> {
  const events = await walk(api, `/v1/events?objectId=${objectId}`, 100);
  return events.map(({ data, type }) => (withStatus ? `${type} ${data.status}` : type)).reverse();
}
