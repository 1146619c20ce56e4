import type { SignRequest } from '../signing.ts';
import type { Signer } from '../../custody/signer.ts';
import { agreeing } from '../node-agreement.ts';
import type { SolanaConfig } from '../config.ts';
import { UnsettledError } from '../node.ts';
import {
  ChainError,
  type ChainSender,
  type PaymentIntent,
  type Prepared,
  type SignedAttempt,
} from '../port.ts';
import { createReservations } from '../reservations.ts';
import { findAccounts, isTokenAccount } from './accounts.ts';
import { headerAt, type SolanaNodes } from './blocks.ts';
import {
  budgetInstructions,
  creationInstruction,
  type TokenMovement,
  transferInstruction,
} from './instructions.ts';
import { encodeMessage } from './message.ts';
import { expired, findLanded, findOutcome } from './finality.ts';
import { tokenAccountOf } from './programs.ts';
import { base58Text } from './responses.ts';
import { readTerms, type SolanaTerms, writeTerms } from './terms.ts';

/** Blocks after its own for which a blockhash is good (`MAX_PROCESSING_AGE`). */
const blockhashBlocks = 150;
const lamportsPerSignature = 5000n;
/** Above what an account of any listed token locks up. */
const accountLamports = 4_200_000n;
/** What an account without data must keep, or it ceases to be. */
const payerLamports = 890_880n;
const transferUnits = 80_000;
const creationUnits = 80_000;
/** Payments whose places are so far apart may have the same bytes: far more than are ever on their way together. */
const placesApart = 10_000n;

/** Sends from the treasury on Solana, and from deposit addresses into it. The treasury pays for everything. */
export function createSolanaSender(
  config: SolanaConfig,
  nodes: SolanaNodes,
  treasury: string,
  signer: Pick<Signer, 'sign'>,
): ChainSender {
  const movementOf = (intent: PaymentIntent): TokenMovement => {
    if (intent.kind === 'top_up') throw new ChainError('No address of Solana needs coin of its own.');
    const { address, amount, currency, kind } = intent;
    const token = config.tokens.find((known) => known.currency === currency);
    if (!token?.program) throw new ChainError(`There is no ${currency} configured.`);
    const { address: mint, program } = token;
    return kind === 'transfer'
      ? { mint, program, amount, from: treasury, to: address }
      : { mint, program, amount, from: address, to: treasury };
  };

  const reservations = createReservations();
  /** What was proven to be over stays so: while it cannot be signed anew, its blocks need not be read again. */
  const over = new Map<string, string>();
  const reserve = (id: string, terms: string): void =>
    reservations.set(id, { payer: treasury, energy: 0n, native: costOf(config, readTerms(terms)) });

  const prepare = async (id: string, intent: PaymentIntent): Promise<Prepared> => {
    const movement = movementOf(intent);
    const destination = tokenAccountOf(movement.to, movement.mint, movement.program);
    const [owner, account, payer] = await findAccounts(nodes, [movement.to, destination, treasury]);
    if (isTokenAccount(owner)) {
      return { obstacle: 'The address is a token account: tokens are sent to its owner.', isRefused: true };
    }
    // Whoever sends coin to the address of an account that is not made yet makes another kind of account there.
    const isCreating = account?.program !== movement.program;
    const terms = await termsNow(config, nodes, isCreating);
    const needed = costOf(config, terms) + reservations.totalOf(treasury, id).native + payerLamports;
    if ((payer?.lamports ?? 0n) >= needed) return { terms: writeTerms(terms) };
    return { obstacle: `${treasury} has too little SOL to pay for fees.`, isRefused: false };
  };

  return {
    treasury,
    takesAuthorizations: async () => false,
    // Nothing on Solana keeps transactions in order; places only tell payments apart.
    nextSequence: async () => 0n,
    // Balances are asked for as they are for good: before that, what was paid is in them still.
    isMined: async (attempts) => (await findLanded(nodes, attempts))?.isFinal === true,
    prepare,
    async sign({ id, intent, sequence }, terms) {
      const unsigned = messageOf(config, treasury, movementOf(intent), readTerms(terms), sequence);
      const request = { chain: config.chain, reference: id, intent: signedIntent(intent), unsigned };
      const { id: txHash, transaction } = await signer.sign(request);
      reserve(id, terms);
      return { txHash, raw: Buffer.from(transaction).toString('base64'), terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    async follow({ id, intent }, attempts) {
      const last = attempts.at(-1);
      const isOver = last !== undefined && over.get(id) === last.txHash;
      const state = isOver ? expired : await findOutcome(config, nodes, attempts);
      if (last && state.kind === 'waiting') reserve(id, last.terms);
      else reservations.release(id);
      if (last && state === expired) over.set(id, last.txHash);
      else over.delete(id);
      if (state !== expired) return state as Exclude<typeof state, typeof expired>;
      const prepared = await prepare(id, intent);
      if ('obstacle' in prepared) throw new ChainError(prepared.obstacle);
      return { kind: 'stuck', terms: prepared.terms };
    },
  };
}

function unitsOf(isCreating: boolean): number {
  return transferUnits + (isCreating ? creationUnits : 0);
}

/** The most that a transaction takes from the treasury. */
function costOf({ gas }: SolanaConfig, { isCreating }: SolanaTerms): bigint {
  const units = BigInt(unitsOf(isCreating)) + placesApart;
  const priority = (units * gas.priorityMicroLamports) / 1_000_000n + 1n;
  return 2n * lamportsPerSignature + priority + (isCreating ? accountLamports : 0n);
}

/**
 * @param sequence the payment's place. Two payments of one amount to one address would be one transaction if nothing told
 *   them apart: they may compute so many units more.
 */
function messageOf(
  { gas }: SolanaConfig,
  treasury: string,
  movement: TokenMovement,
  { blockhash, isCreating }: SolanaTerms,
  sequence: bigint,
): Uint8Array {
  const units = unitsOf(isCreating) + Number(sequence % placesApart);
  return encodeMessage(treasury, blockhash, [
    ...budgetInstructions(units, gas.priorityMicroLamports),
    ...(isCreating ? [creationInstruction(treasury, movement)] : []),
    transferInstruction(movement),
  ]);
}

/** The same intent in the signer's words. */
function signedIntent(intent: PaymentIntent): SignRequest['intent'] {
  if (intent.kind === 'top_up') throw new ChainError('No address of Solana needs coin of its own.');
  const { amount: amountMinor, currency: token } = intent;
  return intent.kind === 'transfer'
    ? { kind: 'transfer', token, amountMinor, destination: intent.address, proof: intent.proof }
    : { kind: 'sweep', token, amountMinor, index: intent.index };
}

/**
 * The newest final block gives the blockhash, and with it how long it is good for. As many nodes as have to agree say so:
 * were it good for longer than thought, what is signed anew could be paid twice.
 */
async function termsNow(
  { agreement }: SolanaConfig,
  nodes: SolanaNodes,
  isCreating: boolean,
): Promise<SolanaTerms> {
  const { height: slot } = await nodes.choose();
  const seen = await Promise.all(agreeing(nodes, agreement).map((node) => headerAt(node, slot)));
  const [block] = seen;
  if (!block || seen.some((other) => other?.id !== block.id || other.blockHeight !== block.blockHeight)) {
    throw new UnsettledError('The nodes do not agree about the newest final block.');
  }
  const lastValidBlockHeight = block.blockHeight + blockhashBlocks;
  return { blockhash: block.id, lastValidBlockHeight, slot, isCreating };
}

/** One node that takes it is enough; the more it is offered to, the sooner it gets into a block. */
async function broadcast(nodes: SolanaNodes, { raw }: SignedAttempt): Promise<void> {
  // What would fail is to land and to fail: only then is it known for good that it has not been paid.
  const options = { encoding: 'base64', skipPreflight: true };
  const results = await Promise.allSettled(
    nodes.usable().map((node) => node.call('sendTransaction', [raw, options], base58Text)),
  );
  const isHarmless = ({ reason }: PromiseRejectedResult): boolean =>
    /already (been )?processed/i.test(String(reason?.message));
  if (results.some((result) => result.status === 'fulfilled' || isHarmless(result))) return;
  const failed = results.find((result) => result.status === 'rejected');
  throw failed?.reason ?? new ChainError('No node is of use now.');
}
