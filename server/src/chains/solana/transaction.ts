import { base58 } from '@scure/base';
import {
  type BlockReference,
  type Movement,
  requireSame,
  type SignedTransaction,
  type TransactionFacts,
  type Validity,
} from '../signing.ts';
import { type DecodedInstruction, type DecodedMessage, decodeMessage } from './message.ts';
import { programs, type TokenProgram, tokenAccountOf } from './programs.ts';

/** How many blocks a blockhash stays valid after its own (`MAX_PROCESSING_AGE`). */
export const blockhashBlocks = 150;
/** The network's fee per signature (Solana documentation, Fees). */
const lamportsPerSignature = 5000n;
/** An upper bound of the rent of a listed token's account: 165 bytes plus less than 300 bytes of extensions. */
const accountLamports = 4_200_000n;
const tokenDecimals = 6;
const transferChecked = 12;
const createIdempotent = 1;

/** A token of the policy. */
interface Mint {
  readonly mint: string;
  readonly program: TokenProgram;
}

/**
 * Checks that a message is one `transferChecked` between the associated token accounts of two owners, paid for by the treasury. It
 * may be preceded by the compute budget and by the creation of the destination's account.
 *
 * @param expected `from` and `to` are owners, not token accounts
 * @throws SignerRefusal `meaning_differs`
 */
export function checkSolanaTransaction(
  unsigned: Uint8Array,
  expected: Movement,
  treasury: string,
  program: TokenProgram,
): TransactionFacts {
  requireSame(expected.kind === 'token' && expected.contract !== undefined, 'only tokens are sent on Solana');
  const message = readMessage(unsigned);
  const signers = new Set([treasury, expected.from]);
  requireSame(message.accounts[0] === treasury, 'the payer');
  requireSame(message.signatures === signers.size, 'the number of signatures');
  requireSame(
    message.accounts.slice(0, signers.size).every((account) => signers.has(account)),
    'the signers',
  );

  const mint: Mint = { mint: expected.contract, program };
  const rest = [...message.instructions];
  const transfer = rest.pop();
  requireSame(transfer !== undefined, 'it must contain a transfer');
  checkTransfer(transfer, expected, mint);
  const isCreating = rest.at(-1)?.program === programs.associatedToken;
  if (isCreating) checkCreation(rest.pop() as DecodedInstruction, expected.to, treasury, mint);
  const priorityLamports = checkBudget(rest);
  const fee = lamportsPerSignature * BigInt(signers.size) + priorityLamports;
  return { maxFeeNative: fee + (isCreating ? accountLamports : 0n), nonce: null };
}

/**
 * Which blocks can contain a message.
 *
 * @param block the block whose hash the message has
 * @throws SignerRefusal `meaning_differs` if it has another one
 */
export function solanaValidity(unsigned: Uint8Array, block: BlockReference): Validity {
  requireSame(readMessage(unsigned).blockhash === block.id, 'the blockhash');
  return { from: block.height, until: block.height + blockhashBlocks, endsAtMs: null };
}

/**
 * Signs a checked message with the key of every required signer.
 *
 * @param sign returns an address's signature of a message, 64 bytes
 */
export function signSolanaTransaction(
  unsigned: Uint8Array,
  sign: (address: string, message: Uint8Array) => Uint8Array,
): SignedTransaction {
  const { accounts, signatures } = readMessage(unsigned);
  const signed = accounts.slice(0, signatures).map((address) => sign(address, unsigned));
  return {
    transaction: Uint8Array.from(Buffer.concat([Uint8Array.of(signed.length), ...signed, unsigned])),
    id: base58.encode(signed[0] as Uint8Array),
  };
}

function readMessage(unsigned: Uint8Array): DecodedMessage {
  try {
    return decodeMessage(unsigned);
  } catch {
    requireSame(false, 'this is no message');
  }
}

/** `TransferChecked` of SPL Token: source, mint, destination, authority; amount and decimals. */
function checkTransfer(
  { accounts, data, program }: DecodedInstruction,
  expected: Movement,
  token: Mint,
): void {
  requireSame(program === token.program, 'the token program');
  const wanted = [
    tokenAccountOf(expected.from, token.mint, token.program),
    token.mint,
    tokenAccountOf(expected.to, token.mint, token.program),
    expected.from,
  ];
  requireSame(
    accounts.length === 4 && accounts.every((account, at) => account === wanted[at]),
    'the accounts',
  );
  requireSame(data.length === 10 && data[0] === transferChecked, 'the instruction');
  requireSame(Buffer.from(data).readBigUInt64LE(1) === expected.amount, 'the amount');
  requireSame(data[9] === tokenDecimals, 'the decimals');
}

/** `CreateIdempotent` of the associated token program: payer, account, owner, mint, system program, token program. */
function checkCreation(
  { accounts, data }: DecodedInstruction,
  owner: string,
  treasury: string,
  { mint, program }: Mint,
): void {
  const wanted = [treasury, tokenAccountOf(owner, mint, program), owner, mint, programs.system, program];
  requireSame(data.length === 1 && data[0] === createIdempotent, 'how the account is created');
  requireSame(
    accounts.length === 6 && accounts.every((account, at) => account === wanted[at]),
    'the new account',
  );
}

/** Checks the compute unit limit (2) and the price in micro-lamports (3): both or neither. @returns the priority fee in lamports */
function checkBudget(instructions: readonly DecodedInstruction[]): bigint {
  const [limit, price, ...more] = instructions;
  if (!limit) return 0n;
  requireSame(price !== undefined && more.length === 0, 'the instructions');
  for (const { accounts, program } of [limit, price]) {
    requireSame(program === programs.computeBudget && accounts.length === 0, 'the instructions');
  }
  requireSame(limit.data.length === 5 && limit.data[0] === 2, 'the compute units');
  requireSame(price.data.length === 9 && price.data[0] === 3, 'their price');
  const units = BigInt(Buffer.from(limit.data).readUInt32LE(1));
  const perUnit = Buffer.from(price.data).readBigUInt64LE(1);
  return (units * perUnit + 999_999n) / 1_000_000n;
}
