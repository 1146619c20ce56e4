import { limits } from '../../platform/limits.ts';
import { broadcastToAll } from '../broadcast.ts';
import type { TronConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { followExpiringPayments } from '../expiring-payments.ts';
import { createContractFreezes } from '../freezes.ts';
import type { ChainSender, NativeCost, Prepared, SignedAttempt } from '../port.ts';
import { createReservations, type Reservations } from '../reservations.ts';
import { type PaymentIntent, signingIntentOf, type TransactionSigner } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { finalHeightOf, headerAt, type TronNodes } from './blocks.ts';
import { hexAddress, simulateCall } from './calls.ts';
import { bandwidthOf, burntFor, feeLimitOf, withMargin } from './costs.ts';
import { findOutcome, judgeAttempts } from './finality.ts';
import { callBoolean } from './freezes.ts';
import { likelyTronCost } from './likely-cost.ts';
import { accountBalance, broadcastResult, type Header, prices, resources } from './responses.ts';
import { envelopeOf, readTerms, type TronTerms, writeTerms } from './terms.ts';
import { encodeTronRaw, type TronMovement, transferCall } from './transaction.ts';

/** Sun per byte that is reserved for pending transactions, whatever the network's current price. */
const reservedBandwidthSun = 1000n;
/** Sun that is reserved for every transfer of TRX, which may create its receiver's account. */
const reservedAccountSun = 1_100_000n;
const contractRefuses: Prepared = {
  blockedBy: {
    policy: 'refuse',
    text: 'The token contract refuses it.',
    clientText: 'The token contract refuses it.',
  },
};
const aboveFeeLimit: Prepared = {
  blockedBy: { policy: 'retry', text: 'The energy price exceeds gas.feeLimit.' },
};

const aboveMaxFee: Prepared = {
  blockedBy: { policy: 'retry', text: 'The fee exceeds signing.maxFee.' },
};
const notReplaceable: Prepared = {
  blockedBy: {
    policy: 'retry',
    text: 'A transaction on Tron is signed again once it has expired, about two minutes after it was signed.',
  },
};

/** Creates the sender of Tron. */
export function createTronSender(
  config: TronConfig,
  nodes: TronNodes,
  treasury: string,
  signer: Pick<TransactionSigner, 'sign' | 'lastSigned'>,
): ChainSender {
  const reservations = createReservations();
  const movementFor = (intent: PaymentIntent): TronMovement => movementOf(config, treasury, intent);
  const costOf = (intent: PaymentIntent, terms: string): NativeCost =>
    costOfMovement(movementFor(intent), readTerms(terms));
  /** Reserves the fees and the TRX that a signed transaction will take from its sender. */
  const reserve = (id: string, intent: PaymentIntent, terms: string): void =>
    reservations.set(id, { ...costOf(intent, terms), energy: readTerms(terms).energy });
  const prepare = (id: string, intent: PaymentIntent): Promise<Prepared> =>
    preparePayment(config, nodes, reservations, id, movementFor(intent));

  return {
    treasury,
    takesAuthorizations: async () => false,
    // Tron has no nonces: slots in the send queue only keep payments distinct.
    nextSequence: async () => 0n,
    isMined: async (attempts) => (await findOutcome(nodes, attempts)) !== undefined,
    prepare,
    costOf,
    findFreeze: createContractFreezes(config, nodes, treasury, callBoolean),
    likelyCost: () => likelyTronCost(nodes, treasury),
    prepareReplacement: async () => notReplaceable,
    async encode({ intent, sequence }, terms) {
      const unsigned = encodeTronRaw(envelopeOf(readTerms(terms), sequence), movementFor(intent));
      return { unsigned: Buffer.from(unsigned).toString('hex'), terms };
    },
    async sign({ id, intent }, { terms, unsigned }, attempts) {
      const { reference, referenceMs } = readTerms(terms);
      const { id: txHash, transaction } = await signer.sign({
        chain: config.chain,
        reference: id,
        intent: signingIntentOf(intent),
        unsigned: Buffer.from(unsigned, 'hex'),
        terms,
        block: { ...reference, timeMs: referenceMs },
        replaces: attempts.at(-1)?.txHash,
      });
      reserve(id, intent, terms);
      return { txHash, raw: Buffer.from(transaction).toString('hex'), terms };
    },
    async lastSigned({ id }) {
      const found = await signer.lastSigned(id);
      return found && { unsigned: Buffer.from(found.unsigned).toString('hex'), terms: found.terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    canNeverLand: async ({ intent }, attempts) =>
      attempts.length > 0 &&
      (await judgeAttempts(config, nodes, movementFor(intent), attempts)).kind === 'expired',
    follow: followExpiringPayments({
      judge: (intent, attempts) => judgeAttempts(config, nodes, movementFor(intent), attempts),
      prepare,
      reservations,
      reserve,
      // A transaction in a block has been deducted from the balance.
      isReserved: ({ isKnown }) => !isKnown,
    }),
  };
}

function movementOf(config: TronConfig, treasury: string, intent: PaymentIntent): TronMovement {
  const { address, amount } = intent;
  if (intent.kind === 'top_up') return { contract: undefined, from: treasury, to: address, amount };
  if (intent.kind === 'nonce_fill') throw new ChainError('Tron has no nonces.');
  if (intent.kind === 'deposit_return') {
    return { contract: intent.token, from: intent.from, to: address, amount };
  }
  const { address: contract } = requireToken(config, intent.currency);
  return intent.kind === 'transfer'
    ? { contract, from: treasury, to: address, amount }
    : { contract, from: address, to: treasury, amount };
}

async function preparePayment(
  config: TronConfig,
  nodes: TronNodes,
  reservations: Reservations,
  id: string,
  movement: TronMovement,
): Promise<Prepared> {
  const head = await nodes.choose();
  const energy = await energyFor(nodes, movement);
  if (energy === undefined) return contractRefuses;
  const current = await nodes.call('getchainparameters', {}, prices);
  const feeLimitSun = feeLimitOf(energy, current);
  if (feeLimitSun > config.gas.feeLimitSun) return aboveFeeLimit;
  const terms = await termsAt(config, nodes, head, { energy, feeLimitSun });
  const rawBytes = encodeTronRaw(envelopeOf(terms, 0n), movement).length;
  const makesAccount =
    movement.contract === undefined && (await balanceFor(nodes, movement.to)) === undefined;
  const own = await nodes.call('getaccountresource', { address: hexAddress(movement.from) }, resources);
  const pending = reservations.totalOf(movement.from, id);
  const burnt = burntFor({ energy: energy + pending.energy, rawBytes, makesAccount }, current, own);
  const cost = burnt + pending.native + sentNative(movement);
  const held = await balanceFor(nodes, movement.from);
  const charged = burntFor({ energy, rawBytes, makesAccount }, current, own);
  if (charged > config.signing.maxFeeNative) return aboveMaxFee;
  if (held !== undefined && held >= cost) {
    const { native, payer } = costOfMovement(movement, terms);
    return { terms: writeTerms(terms), cost: { payer, native }, likelyFeeNative: charged };
  }
  const text = `${movement.from} has too little TRX to pay for energy and bandwidth.`;
  // An account that has never received anything does not exist and cannot send, even at no cost.
  return { blockedBy: { policy: 'retry', text }, nativeNeeded: cost > 0n ? cost : 1n };
}

/** What a transaction takes of TRX, without what is burnt for energy. */
function costOfMovement(movement: TronMovement, terms: TronTerms): NativeCost {
  const rawBytes = encodeTronRaw(envelopeOf(terms, 0n), movement).length;
  const accountSun = movement.contract === undefined ? reservedAccountSun : 0n;
  const native = sentNative(movement) + accountSun + bandwidthOf(rawBytes) * reservedBandwidthSun;
  return { payer: movement.from, native };
}

/** The TRX that a movement sends, without fees. */
function sentNative({ amount, contract }: TronMovement): bigint {
  return contract === undefined ? amount : 0n;
}

/** @returns the energy limit; undefined if the call would fail */
async function energyFor(nodes: TronNodes, movement: TronMovement): Promise<bigint | undefined> {
  const { amount, contract, from, to } = movement;
  if (contract === undefined) return 0n;
  const data = Buffer.from(transferCall(to, amount)).toString('hex');
  const simulated = await simulateCall(nodes, from, contract, data);
  return simulated.ok ? withMargin(simulated.energy) : undefined;
}

/** @returns undefined if the account does not exist */
function balanceFor(nodes: TronNodes, address: string): Promise<bigint | undefined> {
  return nodes.call('getaccount', { address: hexAddress(address) }, accountBalance);
}

async function termsAt(
  config: TronConfig,
  nodes: TronNodes,
  head: Header,
  use: Pick<TronTerms, 'energy' | 'feeLimitSun'>,
): Promise<TronTerms> {
  const height = Math.max(0, await finalHeightOf(config, nodes, head));
  const reference = await headerAt(nodes, height);
  if (!reference) throw new ChainError(`The node lacks block ${height} of its own chain.`);
  return {
    reference: { height: reference.height, id: reference.id },
    referenceMs: reference.timestampMs,
    madeAtMs: head.timestampMs,
    expirationMs: head.timestampMs + limits.tronExpirationMs,
    ...use,
  };
}

async function broadcast(nodes: TronNodes, { raw }: SignedAttempt): Promise<void> {
  await broadcastToAll(nodes, async (node) => {
    const { code, message } = await node.call('broadcasthex', { transaction: raw }, broadcastResult);
    if (code === 'SUCCESS' || code === 'DUP_TRANSACTION_ERROR') return;
    throw new ChainError(`The node rejected a transaction with ${code}: ${message}`);
  });
}
