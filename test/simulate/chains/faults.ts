import type { ChainPort, ChainSender } from '../../../server/src/chains/port.ts';
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
}

/** Answers statements of one kind as if they had been executed. */
function without(pool: Pool, statement: RegExp): Pool {
  return {
    ...pool,
    query: (text: unknown, values: unknown[]) =>
      statement.test(String(text))
        ? Promise.resolve({ rowCount: 1, rows: [] })
        : pool.query(text as string, values),
  } as unknown as Pool;
}

/** Loses the connection before the first statement of one kind about each payment. */
function losingFirst(pool: Pool, statement: RegExp): Pool {
  const seen = new Set<unknown>();
  return {
    ...pool,
    query(text: unknown, values: unknown[]) {
      const isFirst = statement.test(String(text)) && !seen.has(values[0]);
      if (!isFirst) return pool.query(text as string, values);
      seen.add(values[0]);
      return Promise.reject(new Error('Connection terminated unexpectedly'));
    },
  } as unknown as Pool;
}

function withSender(port: ChainPort, change: (sender: ChainSender) => Partial<ChainSender>): ChainPort {
  return { ...port, sender: { ...port.sender, ...change(port.sender) } };
}

/** One fault for each guard. */
export const chainFaults: Readonly<Record<string, PlantedFault>> = {
  'a deposit that is credited before it is final': {
    chain: 'base',
    disturbances: { reorgDepth: 3 },
    fault: { config: (config) => ({ ...config, confirmations: 1 }) },
    caught: /credited_without_deposit|completed_not_paid/,
  },
  'a payment that counts as final too early': {
    chain: 'tron',
    disturbances: { reorgDepth: 3 },
    fault: { config: (config) => ({ ...config, confirmations: 1 }) },
    caught: /credited_without_deposit|completed_not_paid|unfinished/,
  },
  'one node that is believed about deposits': {
    chain: 'base',
    disturbances: { lies: ['no logs'] },
    fault: { config: (config) => ({ ...config, agreement: 1 }) },
    caught: /deposit_not_credited/,
  },
  'one node that is believed about payments': {
    chain: 'tron',
    disturbances: { lies: ['receipts without logs'] },
    fault: { config: (config) => ({ ...config, agreement: 1 }) },
    caught: /paid_not_completed/,
  },
  'a signed transaction that is sent before it is stored': {
    chain: 'tron',
    disturbances: {},
    fault: {
      pool: (pool) => losingFirst(pool, /^insert into chain_attempts/),
      port: (port) =>
        withSender(port, (sender) => ({
          async sign(payment, unsigned, attempts) {
            const attempt = await sender.sign(payment, unsigned, attempts);
            await sender.broadcast(attempt);
            return attempt;
          },
        })),
    },
    caught: /paid_twice/,
  },
  'a signed transaction that is not stored': {
    chain: 'tron',
    disturbances: {},
    fault: { pool: (pool) => without(pool, /^insert into chain_attempts/) },
    caught: /paid_twice/,
  },
  'a payment that is signed again before it has expired': {
    chain: 'tron',
    disturbances: {},
    fault: {
      port: (port) =>
        withSender(port, (sender) => ({
          async follow(payment, attempts, ageMs) {
            const state = await sender.follow(payment, attempts, ageMs);
            const prepared = await sender.prepare(payment.id, payment.intent);
            const isOpen = state.kind === 'waiting' && attempts.length < 3 && 'terms' in prepared;
            return isOpen ? { kind: 'stuck', terms: prepared.terms } : state;
          },
        })),
    },
    caught: /paid_twice/,
  },
};
