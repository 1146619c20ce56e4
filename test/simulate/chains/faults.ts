import type { ChainConfig } from '../../../server/src/chains/config.ts';
import type { ChainPort, ChainSender } from '../../../server/src/chains/port.ts';
import type { SpendBook } from '../../../server/src/custody/signing-record.ts';
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

function withSender(port: ChainPort, change: (sender: ChainSender) => Partial<ChainSender>): ChainPort {
  return { ...port, sender: { ...port.sender, ...change(port.sender) } };
}

const believingOne = (config: ChainConfig): ChainConfig => ({
  ...config,
  rpcUrls: config.rpcUrls.slice(0, 1),
  agreement: 1,
});

/** Learns nothing about blocks that were final. */
const blind = (port: ChainPort): ChainPort => ({
  ...port,
  reader: { ...port.reader, blockIds: async () => [] },
});

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

/** Signs payments again that may still be mined. */
export const signingAgain = (port: ChainPort): ChainPort =>
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

/** One fault for each guard. */
export const chainFaults: Readonly<Record<string, PlantedFault>> = {
  'a deep reorganisation that nobody notices': {
    chain: 'base',
    disturbances: { reorgDepth: 12 },
    fault: { port: blind },
    caught: /credited_without_deposit|deposit_not_credited|completed_not_paid|verify|reconcile/,
  },
  'a deep reorganisation that nobody notices, on Tron': {
    chain: 'tron',
    disturbances: { reorgDepth: 12 },
    fault: { port: blind },
    caught: /credited_without_deposit|deposit_not_credited|completed_not_paid|verify|reconcile/,
  },
  'one node that is believed about deposits': {
    chain: 'base',
    disturbances: { lies: ['no logs'] },
    fault: { config: believingOne },
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
  'a signer that signs a payment twice': {
    chain: 'tron',
    disturbances: {},
    fault: { port: signingAgain, book: forgetful },
    caught: /paid_twice/,
  },
};
