import { TronWeb, utils } from 'tronweb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  encodeTronRaw,
  signTronTransaction,
  type TronMovement,
} from '../../server/src/chains/tron/transaction.ts';
import { startTron, type TronNode } from '../support/chains/tron.ts';

/** The stand-in refuses what real nodes refuse: what it lets through has passed the same checks. */

const key = '03'.repeat(32);
const owner = TronWeb.address.fromPrivateKey(key) as string;
const receiver = 'TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt';
const trx = 1_000_000;
let tron: TronNode;

beforeAll(async () => {
  tron = await startTron();
  tron.ledger.mine(5);
});
afterAll(() => tron.stop());

interface Changes {
  readonly key?: string;
  readonly refBlockHash?: string;
  /** After the newest block. */
  readonly expiresInMs?: number;
  readonly movement?: Partial<TronMovement>;
}

function signed({ expiresInMs = 60_000, key: own = key, movement, refBlockHash }: Changes): string {
  const head = tron.ledger.head();
  const raw = encodeTronRaw(
    {
      refBlockBytes: Buffer.from(head.id.slice(12, 16), 'hex'),
      refBlockHash: Buffer.from(refBlockHash ?? head.id.slice(16, 32), 'hex'),
      expirationMs: head.timestampMs + expiresInMs,
      timestampMs: head.timestampMs,
      feeLimitSun: 60_000_000n,
    },
    { contract: tron.usdt, from: owner, to: receiver, amount: 5n, ...movement },
  );
  const { transaction } = signTronTransaction(raw, (digest) => {
    const signature = Buffer.from(utils.crypto.ECKeySign([...digest], [...Buffer.from(own, 'hex')]), 'hex');
    signature[64] = (signature[64] as number) - 27;
    return signature;
  });
  return Buffer.from(transaction).toString('hex');
}

async function offer(transaction: string): Promise<{ code?: string; Error?: string; result?: boolean }> {
  const body = JSON.stringify({ transaction });
  const answer = await fetch(`${tron.url}/wallet/broadcasthex`, { method: 'POST', body });
  return (await answer.json()) as { code?: string };
}

test('who is no account, or has no TRX for bandwidth, sends nothing', async () => {
  expect((await offer(signed({}))).code).toBe('CONTRACT_VALIDATE_ERROR');
  tron.ledger.giveSun(owner, 0);
  const used = [1n, 2n].map((amount) => signed({ movement: { amount } }));
  expect((await offer(used[0] as string)).code).toBe('SUCCESS');
  tron.ledger.mine();
  // The free bandwidth of a day is enough for one.
  expect((await offer(used[1] as string)).code).toBe('BANDWITH_ERROR');
  tron.ledger.giveSun(owner, 1000 * trx);
  expect((await offer(used[1] as string)).code).toBe('SUCCESS');
});

test.each<[string, Changes]>([
  ['SIGERROR', { key: '04'.repeat(32) }],
  ['TAPOS_ERROR', { refBlockHash: 'ab'.repeat(8) }],
  ['TRANSACTION_EXPIRATION_ERROR', { expiresInMs: 0 }],
  ['TRANSACTION_EXPIRATION_ERROR', { expiresInMs: 86_400_001 }],
  ['CONTRACT_VALIDATE_ERROR', { movement: { contract: undefined, amount: 10n ** 12n } }],
])('%s', async (code, changes) => {
  expect(await offer(signed(changes))).toMatchObject({ result: false, code });
});

test('one is taken once, before it is in a block and after', async () => {
  const one = signed({ movement: { amount: 77n } });
  expect((await offer(one)).code).toBe('SUCCESS');
  expect((await offer(one)).code).toBe('DUP_TRANSACTION_ERROR');
  tron.ledger.mine();
  expect((await offer(one)).code).toBe('DUP_TRANSACTION_ERROR');
});

test('what is no transaction is an error', async () => {
  expect((await offer('00')).Error).toMatch(/^class /);
});
