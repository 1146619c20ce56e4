import type { SignRequest } from '../signing.ts';
import type { Signer } from '../../custody/signer.ts';
import { limits } from '../../platform/limits.ts';
import type { TronConfig } from '../config.ts';
import {
  ChainError,
  type ChainSender,
  type PaymentIntent,
  type Prepared,
  type SignedAttempt,
} from '../port.ts';
import { createReservations } from '../reservations.ts';
import { headerAt, type TronNodes } from './blocks.ts';
import { hexAddress, tryCall } from './calls.ts';
import { bandwidthOf, burntFor, feeLimitOf, withMargin } from './costs.ts';
import { expired, findMined, findOutcome } from './finality.ts';
import { accountBalance, broadcastCode, type Header, prices, resources } from './responses.ts';
import { envelopeOf, readTerms, type TronTerms, writeTerms } from './terms.ts';
import { encodeTronRaw, type TronMovement, transferCall } from './transaction.ts';

const refused = { obstacle: 'The token contract refuses it.', isRefused: true } as const;
/** For a byte: what is set aside for transactions on their way, whatever the network asks for now. */
const bandwidthSun = 1000n;
const tooDear = { obstacle: 'Energy is dearer than gas.feeLimit allows.', isRefused: false } as const;

/** Sends from the treasury on Tron, and from deposit addresses into it. */
export function createTronSender(
  config: TronConfig,
  nodes: TronNodes,
  treasury: string,
  signer: Pick<Signer, 'sign'>,
): ChainSender {
  const movementOf = (intent: PaymentIntent): TronMovement => {
    const { address, amount } = intent;
    if (intent.kind === 'top_up') return { contract: undefined, from: treasury, to: address, amount };
    const token = config.tokens.find(({ currency }) => currency === intent.currency);
    if (!token) throw new ChainError(`There is no ${intent.currency} configured.`);
    return intent.kind === 'transfer'
      ? { contract: token.address, from: treasury, to: address, amount }
      : { contract: token.address, from: address, to: treasury, amount };
  };

  const reservations = createReservations();
  /** What was proven to be over stays so: while it cannot be signed anew, its blocks need not be read again. */
  const over = new Map<string, string>();

  /** Fees and TRX that a signed transaction is going to take from its sender. */
  const reserve = (id: string, intent: PaymentIntent, terms: string): void => {
    const { energy } = readTerms(terms);
    const movement = movementOf(intent);
    const raw = encodeTronRaw(envelopeOf(readTerms(terms), 0n), movement);
    const native = sentBy(movement) + bandwidthOf(raw.length) * bandwidthSun;
    reservations.set(id, { payer: movement.from, energy, native });
  };

  const prepare = async (id: string, intent: PaymentIntent): Promise<Prepared> => {
    const head = await nodes.choose();
    const movement = movementOf(intent);
    const energy = await energyFor(nodes, movement);
    if (energy === undefined) return refused;
    const now = await nodes.call('getchainparameters', {}, prices);
    const feeLimitSun = feeLimitOf(energy, now);
    if (feeLimitSun > config.gas.feeLimitSun) return tooDear;
    const terms = await termsFrom(config, nodes, head, { energy, feeLimitSun });
    const rawBytes = encodeTronRaw(envelopeOf(terms, 0n), movement).length;
    const makesAccount =
      movement.contract === undefined && (await balanceFor(nodes, movement.to)) === undefined;
    const own = await nodes.call('getaccountresource', { address: hexAddress(movement.from) }, resources);
    const spoken = reservations.totalOf(movement.from, id);
    const burnt = burntFor({ energy: energy + spoken.energy, rawBytes, makesAccount }, now, own);
    const cost = burnt + spoken.native + sentBy(movement);
    const held = await balanceFor(nodes, movement.from);
    if (held !== undefined && held >= cost) return { terms: writeTerms(terms) };
    const obstacle = `${movement.from} has too little TRX to pay for energy and bandwidth.`;
    // An account that nothing was ever sent to cannot send, even where it would cost nothing.
    return { obstacle, isRefused: false, nativeNeeded: cost > 0n ? cost : 1n };
  };

  return {
    treasury,
    takesAuthorizations: async () => false,
    // Nothing on Tron keeps transactions in order; places only tell payments apart.
    nextSequence: async () => 0n,
    isMined: async (attempts) => (await findMined(nodes, attempts)) !== undefined,
    prepare,
    async sign({ id, intent, sequence }, terms) {
      const envelope = envelopeOf(readTerms(terms), sequence);
      const unsigned = encodeTronRaw(envelope, movementOf(intent));
      const request = { chain: config.chain, reference: id, intent: signedIntent(intent), unsigned };
      const { id: txHash, transaction } = await signer.sign(request);
      reserve(id, intent, terms);
      return { txHash, raw: Buffer.from(transaction).toString('hex'), terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    async follow({ id, intent }, attempts) {
      const last = attempts.at(-1);
      const isOver = last !== undefined && over.get(id) === last.txHash;
      const state = isOver ? expired : await findOutcome(config, nodes, attempts);
      if (last && state.kind === 'waiting' && !state.isKnown) reserve(id, intent, last.terms);
      else reservations.release(id);
      if (last && state.kind === 'expired') over.set(id, last.txHash);
      else over.delete(id);
      if (state.kind !== 'expired') return state;
      const prepared = await prepare(id, intent);
      if ('obstacle' in prepared) throw new ChainError(prepared.obstacle);
      return { kind: 'stuck', terms: prepared.terms };
    },
  };
}

/** TRX that is sent, beside what is burnt. */
function sentBy({ amount, contract }: TronMovement): bigint {
  return contract === undefined ? amount : 0n;
}

/** The same intent in the signer's words. */
function signedIntent(intent: PaymentIntent): SignRequest['intent'] {
  const { amount, kind } = intent;
  if (kind === 'top_up') return { kind, amountNative: amount, index: intent.index };
  if (kind === 'transfer') {
    return {
      kind,
      token: intent.currency,
      amountMinor: amount,
      destination: intent.address,
      proof: intent.proof,
    };
  }
  return { kind: 'sweep', token: intent.currency, amountMinor: amount, index: intent.index };
}

/** @returns how much energy it may use; undefined when the contract would fail */
async function energyFor(nodes: TronNodes, movement: TronMovement): Promise<bigint | undefined> {
  const { amount, contract, from, to } = movement;
  if (contract === undefined) return 0n;
  const data = Buffer.from(transferCall(to, amount)).toString('hex');
  const tried = await tryCall(nodes, from, contract, data);
  return tried.ok ? withMargin(tried.energy) : undefined;
}

/** @returns undefined when there is no such account */
function balanceFor(nodes: TronNodes, address: string): Promise<bigint | undefined> {
  return nodes.call('getaccount', { address: hexAddress(address) }, accountBalance);
}

async function termsFrom(
  config: TronConfig,
  nodes: TronNodes,
  head: Header,
  use: Pick<TronTerms, 'energy' | 'feeLimitSun'>,
): Promise<TronTerms> {
  const reference = await headerAt(nodes, Math.max(0, head.height - config.confirmations + 1));
  if (!reference) throw new ChainError('The node lacks a block that it has built on.');
  return {
    reference: { height: reference.height, id: reference.id },
    madeAtMs: head.timestampMs,
    expirationMs: head.timestampMs + limits.tronExpirationMs,
    ...use,
  };
}

/** One node that takes it is enough; the more it is offered to, the sooner it gets into a block. */
async function broadcast(nodes: TronNodes, { raw }: SignedAttempt): Promise<void> {
  const offered = nodes.usable().map(async (node) => {
    const { code, said } = await node.call('broadcasthex', { transaction: raw }, broadcastCode);
    if (code === 'SUCCESS' || code === 'DUP_TRANSACTION_ERROR') return;
    throw new ChainError(`The node refused a transaction with ${code}: ${said}`);
  });
  const results = await Promise.allSettled(offered);
  if (results.some(({ status }) => status === 'fulfilled')) return;
  const failed = results.find((result) => result.status === 'rejected');
  throw failed?.reason ?? new ChainError('No node is of use now.');
}
