import type { QueryResult } from 'pg';
import type { ChainConfig } from '../../../server/src/chains/config.ts';
import type { ChainPort, ChainSender } from '../../../server/src/chains/port.ts';
import type { SpendBook } from '../../../server/src/custody/signing-record.ts';
import type { Pool } from '../../../server/src/store/pool.ts';
import type { SimulatedChain } from './chain-model.ts';
import type { ProcessFault } from './process.ts';
import type { Disturbances } from './world.ts';

/** A guard that is removed, where that can be seen, and what must detect it. */
interface PlantedFault {
  readonly chain: SimulatedChain;
  readonly disturbances: Partial<Disturbances>;
  readonly fault: ProcessFault;
  readonly caught: RegExp;
  /** The first seed; 1 when left out. */
  readonly seed?: number;
}

function withSender(port: ChainPort, change: (sender: ChainSender) => Partial<ChainSender>): ChainPort {
  return { ...port, sender: { ...port.sender, ...change(port.sender) } };
}

const believingOne = (config: ChainConfig): ChainConfig => ({
  ...config,
  rpcUrls: config.rpcUrls.slice(0, 1),
  agreement: 1,
});

/** Believes for ever what it has learned about a block first. */
function stubborn(port: ChainPort): ChainPort {
  const learned = new Map<number, readonly string[]>();
  return {
    ...port,
    reader: {
      ...port.reader,
      async blockIds(height) {
        const ids = learned.get(height) ?? (await port.reader.blockIds(height));
        if (ids.length > 0) learned.set(height, ids);
        return ids;
      },
    },
  };
}

type Statement = string | { readonly text: string };

/** Answers statements that contain a text in another way. */
function answering<Asked extends Pick<Pool, 'query'>>(
  database: Asked,
  contained: string,
  answer: (query: () => Promise<QueryResult>) => Promise<unknown>,
): Asked {
  const ask = database.query as (statement: Statement, values?: unknown[]) => Promise<QueryResult>;
  const query = (statement: Statement, values?: unknown[]): Promise<unknown> => {
    const text = typeof statement === 'string' ? statement : statement.text;
    return text.includes(contained) ? answer(() => ask(statement, values)) : ask(statement, values);
  };
  return { ...database, query } as Asked;
}

/** Reads no final block a second time. */
const readingOnce = (pool: Pool): Pool =>
  answering(pool, 'select confirmed_height, reread_height', async () => ({ rows: [], rowCount: 0 }));

/** Sees nothing of what left the treasury. */
const unaware = (port: ChainPort): ChainPort => ({
  ...port,
  reader: {
    ...port.reader,
    async scan(...range) {
      return (await port.reader.scan(...range)).filter(({ isOutgoing }) => !isOutgoing);
    },
  },
  outflows: { ...port.outflows, hasExpiredSince: async () => true },
});

/** Skips the nonces that the chain has used and the books did not give out. */
function skippingNonces(): ProcessFault {
  let used = 0n;
  return {
    port: (port) => ({
      ...withSender(unaware(port), ({ nextSequence }) => ({
        async nextSequence(sender) {
          used = await nextSequence(sender);
          return 0n;
        },
      })),
      outflows: { ...port.outflows, usedSequence: async () => ({ least: 0n, most: 0n }) },
    }),
    pool: (pool) =>
      ({
        ...pool,
        connect: async () =>
          answering(await pool.connect(), 'select next_sequence', async (query) => {
            const { rows } = await query();
            return {
              rows: rows.map(({ next_sequence: next }) => ({ next_sequence: next > used ? next : used })),
            };
          }),
      }) as Pool,
  };
}

/** Signs payments again that may still be mined. */
const signingAgain = (port: ChainPort): ChainPort =>
  withSender(port, (sender) => ({
    async follow(payment, attempts, ageMs) {
      const state = await sender.follow(payment, attempts, ageMs);
      if (state.kind !== 'waiting' || attempts.length > 2) return state;
      const prepared = await sender.prepare(payment.id, payment.intent);
      return 'terms' in prepared ? { kind: 'stuck', terms: prepared.terms } : state;
    },
  }));

/** A signer that remembers nothing. */
const forgetful = (book: SpendBook): SpendBook => ({
  ...book,
  find: async () => undefined,
  record: async () => undefined,
});

/** Guards that are removed while another one stands. */
export const harmlessFaults: Readonly<Record<string, Omit<PlantedFault, 'caught'>>> = {
  'payments that are signed again too early, while the signer signs a reference once': {
    chain: 'tron',
    disturbances: {},
    fault: { port: signingAgain },
  },
  'a signer that signs a payment twice, while both have one nonce': {
    chain: 'base',
    disturbances: {},
    fault: { port: signingAgain, book: forgetful },
  },
  'one node that is believed about deposits, while final blocks are read again': {
    chain: 'base',
    disturbances: { lies: ['no logs'] },
    fault: { config: believingOne },
  },
};

/** One fault for each guard. */
export const chainFaults: Readonly<Record<string, PlantedFault>> = {
  'a deep reorganisation that nobody notices': {
    chain: 'base',
    disturbances: { reorgDepth: 12 },
    fault: { port: stubborn },
    caught: /credited_without_deposit|deposit_not_credited|completed_not_paid|payment_submitted/,
  },
  'a deep reorganisation that nobody notices, on Tron': {
    chain: 'tron',
    disturbances: { reorgDepth: 12 },
    fault: { port: stubborn },
    seed: 2,
    caught: /credited_without_deposit|deposit_not_credited|completed_not_paid|payment_submitted/,
  },
  'one node that is believed about deposits, in blocks that are read once': {
    chain: 'base',
    disturbances: { lies: ['no logs'] },
    fault: { config: believingOne, pool: readingOnce },
    caught: /deposit_not_credited/,
  },
  'one node that is believed about payments': {
    chain: 'tron',
    disturbances: { lies: ['failed receipts'] },
    fault: { config: believingOne },
    caught: /paid_not_completed/,
  },
  'a success without a transfer that is taken for a failure': {
    chain: 'base',
    disturbances: { lies: ['receipts without logs'] },
    fault: {
      config: believingOne,
      port: (port) =>
        withSender(port, (sender) => ({
          async follow(...payment) {
            const state = await sender.follow(...payment);
            if (state.kind !== 'unclear') return state;
            return { ...state, kind: 'final', ok: false, feeNative: 0n };
          },
        })),
    },
    caught: /paid_not_completed/,
  },
  'a restored database that pays again': {
    chain: 'tron',
    disturbances: { restores: true },
    fault: { port: unaware },
    caught: /paid_twice|paid_not_completed/,
  },
  'a restored database that pays again with the next nonce': {
    chain: 'base',
    disturbances: { restores: true },
    fault: skippingNonces(),
    caught: /paid_twice/,
  },
  'a signer that signs a payment twice': {
    chain: 'tron',
    disturbances: {},
    fault: { port: signingAgain, book: forgetful },
    caught: /paid_twice/,
  },
};
