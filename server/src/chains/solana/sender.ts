import { broadcastToAll } from '../broadcast.ts';
import type { SolanaConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { followExpiringPayments } from '../expiring-payments.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { ChainSender, Prepared, SignedAttempt, TransferCost } from '../port.ts';
import type { Stablecoin } from '../registry.ts';
import { createReservations } from '../reservations.ts';
import { type PaymentIntent, signingIntentOf, type TransactionSigner } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { findAccounts, isTokenAccount } from './accounts.ts';
import { headerAt, type SolanaNodes } from './blocks.ts';
import { maxLamports, priorityPrice, rentOf } from './fees.ts';
import { findStatus, judgeAttempts } from './finality.ts';
import { findSolanaFreeze } from './freezes.ts';
import {
  budgetInstructions,
  creationInstruction,
  type TokenMovement,
  transferInstruction,
} from './instructions.ts';
import { encodeMessage } from './message.ts';
import { tokenAccountOf } from './programs.ts';
import { base58Text, prioritizationFees } from './responses.ts';
import { blockOf, readTerms, type SolanaTerms, writeTerms } from './terms.ts';
import { blockhashBlocks } from './transaction.ts';

/** The minimum balance of an account without data; below it the account is deleted. */
const payerLamports = 890_880n;
const transferUnits = 80_000;
const creationUnits = 80_000;
/** Payments whose slots are this far apart may have equal bytes: many more than are ever pending together. */
const distinctSlots = 10_000;

const isTokenAccountAddress: Prepared = {
  blockedBy: {
    policy: 'refuse',
    text: 'The destination is a token account; tokens must be sent to its owner.',
    clientText: 'The token contract refuses it.',
  },
};

const aboveMaxFee: Prepared = {
  blockedBy: { policy: 'retry', text: 'The fee exceeds signing.maxFee.' },
};
const notReplaceable: Prepared = {
  blockedBy: {
    policy: 'retry',
    text: 'A transaction on Solana is signed again once it has expired, about a minute after it was signed.',
  },
};

/** Creates the sender of Solana. The treasury pays the fees of every payment. */
export function createSolanaSender(
  config: SolanaConfig,
  nodes: SolanaNodes,
  treasury: string,
  signer: Pick<TransactionSigner, 'sign' | 'lastSigned'>,
): ChainSender {
  const reservations = createReservations();
  const reserve = (id: string, terms: string): void =>
    reservations.set(id, { payer: treasury, energy: 0n, native: costOf(readTerms(terms)) });

  const prepare = async (id: string, intent: PaymentIntent): Promise<Prepared> => {
    const movement = movementOf(config, treasury, intent);
    const destination = tokenAccountOf(movement.to, movement.mint, movement.program);
    const [owner, account, payer] = await findAccounts(nodes, [movement.to, destination, treasury]);
    if (isTokenAccount(owner)) return isTokenAccountAddress;
    // Native coin sent to the address of a missing token account creates an account of the system program there.
    const isCreating = account?.program !== movement.program;
    const microLamports = await currentPrice(config, nodes, [treasury, destination]);
    const terms = { ...(await currentTerms(config, nodes)), isCreating, microLamports };
    const native = costOf(terms);
    if (native > config.signing.maxFeeNative) return aboveMaxFee;
    const needed = native + reservations.totalOf(treasury, id).native + payerLamports;
    if ((payer?.lamports ?? 0n) >= needed) {
      const cost = { payer: treasury, native };
      return { terms: writeTerms(terms), cost, likelyFeeNative: native, createsAccount: isCreating };
    }
    return { blockedBy: { policy: 'retry', text: `${treasury} has too little SOL to pay for fees.` } };
  };

  return {
    treasury,
    takesAuthorizations: async () => false,
    // Solana has no nonces: slots in the send queue only keep payments distinct.
    nextSequence: async () => 0n,
    // Balances are read as finalized: until then they still include the amount.
    isMined: async (attempts) => (await findStatus(nodes, attempts))?.status.isFinal === true,
    prepare,
    costOf: (_, terms) => ({ payer: treasury, native: costOf(readTerms(terms)) }),
    findFreeze: (intent) => findSolanaFreeze(config, nodes, treasury, intent),
    likelyCost: (currency, address) => likelyCost(config, nodes, treasury, { currency, address }),
    prepareReplacement: async () => notReplaceable,
    async encode({ intent, sequence }, terms) {
      const movement = movementOf(config, treasury, intent);
      const unsigned = messageOf(treasury, movement, readTerms(terms), sequence);
      return { unsigned: Buffer.from(unsigned).toString('hex'), terms };
    },
    async sign({ id, intent }, { terms, unsigned }, attempts) {
      const { id: txHash, transaction } = await signer.sign({
        chain: config.chain,
        reference: id,
        intent: signingIntentOf(intent),
        unsigned: Buffer.from(unsigned, 'hex'),
        terms,
        block: blockOf(readTerms(terms)),
        replaces: attempts.at(-1)?.txHash,
      });
      reserve(id, terms);
      return { txHash, raw: Buffer.from(transaction).toString('base64'), terms };
    },
    async lastSigned({ id }) {
      const found = await signer.lastSigned(id);
      return found && { unsigned: Buffer.from(found.unsigned).toString('hex'), terms: found.terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    canNeverLand: async ({ intent }, attempts) =>
      attempts.length > 0 &&
      (await judgeAttempts(config, nodes, movementOf(config, treasury, intent), attempts)).kind === 'expired',
    follow: followExpiringPayments({
      judge: (intent, attempts) =>
        judgeAttempts(config, nodes, movementOf(config, treasury, intent), attempts),
      prepare,
      reservations,
      reserve: (id, _, terms) => reserve(id, terms),
      isReserved: () => true,
    }),
  };
}

/** Estimates a transfer: the fee without the account, and the account's rent if the receiver has none. */
async function likelyCost(
  config: SolanaConfig,
  nodes: SolanaNodes,
  treasury: string,
  { address, currency }: { readonly currency: Stablecoin; readonly address: string },
): Promise<TransferCost> {
  await nodes.choose();
  const { mint, program, to } = movementOf(config, treasury, {
    kind: 'transfer',
    ...{ currency, address, amount: 1n },
  });
  const destination = tokenAccountOf(to, mint, program);
  const [account] = await findAccounts(nodes, [destination]);
  const microLamports = await currentPrice(config, nodes, [treasury, destination]);
  const isCreating = account?.program !== program;
  const units = unitsOf(isCreating);
  return {
    feeNative: maxLamports({ signatures: 1, units, microLamports, isCreating: false }),
    accountNative: isCreating ? rentOf(program) : 0n,
  };
}

function movementOf(config: SolanaConfig, treasury: string, intent: PaymentIntent): TokenMovement {
  if (intent.kind === 'top_up') throw new ChainError('Deposit addresses on Solana need no native coin.');
  if (intent.kind === 'nonce_fill') throw new ChainError('Solana has no nonces.');
  const { address, amount, currency, kind } = intent;
  if (currency === null) throw new ChainError('On Solana only configured tokens can be returned.');
  const { address: mint, program } = requireToken(config, currency);
  if (!program) throw new ChainError('A token on Solana must have a program.');
  if (kind === 'deposit_return') return { mint, program, amount, from: intent.from, to: address };
  return kind === 'transfer'
    ? { mint, program, amount, from: treasury, to: address }
    : { mint, program, amount, from: address, to: treasury };
}

function unitsOf(isCreating: boolean): number {
  return transferUnits + (isCreating ? creationUnits : 0);
}

/** The maximum that a transaction takes from the treasury, in lamports. */
function costOf({ isCreating, microLamports }: SolanaTerms): bigint {
  return maxLamports({
    signatures: 2,
    units: unitsOf(isCreating) + distinctSlots,
    microLamports,
    isCreating,
  });
}

/**
 * Encodes the message of a payment.
 *
 * @param sequence the payment's slot in the send queue. It raises the compute unit limit, which keeps two payments of one amount
 *   to one address from being the same transaction.
 */
function messageOf(
  treasury: string,
  movement: TokenMovement,
  { blockhash, isCreating, microLamports }: SolanaTerms,
  sequence: bigint,
): Uint8Array {
  const units = unitsOf(isCreating) + Number(sequence % BigInt(distinctSlots));
  return encodeMessage(treasury, blockhash, [
    ...budgetInstructions(units, microLamports),
    ...(isCreating ? [creationInstruction(treasury, movement)] : []),
    transferInstruction(movement),
  ]);
}

/**
 * Takes the blockhash of the newest final block, which determines how long the transaction is valid. As many nodes as must agree
 * confirm it: if the transaction were valid longer than assumed, its payment could be signed again and be paid twice.
 */
async function currentTerms(
  { agreement }: SolanaConfig,
  nodes: SolanaNodes,
): Promise<Pick<SolanaTerms, 'blockhash' | 'lastValidBlockHeight' | 'slot'>> {
  const { height: slot } = await nodes.choose();
  const seen = await Promise.all(requireQuorum(nodes, agreement).map((node) => headerAt(node, slot)));
  const [block] = seen;
  if (!block || seen.some((other) => other?.id !== block.id || other.blockHeight !== block.blockHeight)) {
    throw new ChainError('The nodes do not agree on the newest final block.', 'unsettled');
  }
  const lastValidBlockHeight = block.blockHeight + blockhashBlocks;
  return { blockhash: block.id, lastValidBlockHeight, slot };
}

/**
 * The price per compute unit that transactions on these accounts recently paid. A node that does not know it leaves the decision to the
 * configuration.
 */
async function currentPrice(
  { gas }: SolanaConfig,
  nodes: SolanaNodes,
  accounts: readonly string[],
): Promise<bigint> {
  try {
    const recent = await nodes.call('getRecentPrioritizationFees', [accounts], prioritizationFees);
    return priorityPrice(recent, gas);
  } catch (error) {
    if (error instanceof ChainError && error.kind === 'rejected') return priorityPrice([], gas);
    throw error;
  }
}

async function broadcast(nodes: SolanaNodes, { raw }: SignedAttempt): Promise<void> {
  // Without preflight, a transaction that fails does so in a block, which proves that it was not paid.
  const options = { encoding: 'base64', skipPreflight: true };
  await broadcastToAll(nodes, async (node) => {
    try {
      await node.call('sendTransaction', [raw, options], base58Text);
    } catch (error) {
      if (!/already (been )?processed/i.test(String((error as Error).message))) throw error;
    }
  });
}
