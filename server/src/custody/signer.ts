import { checkAddress } from '../chains/addresses.ts';
import { authorizationDigest } from '../chains/evm/eip3009.ts';
import { checkEvmTransaction, signEvmTransaction } from '../chains/evm/transaction.ts';
import { type Chain, chainFamily, chains } from '../chains/registry.ts';
import { programs } from '../chains/solana/programs.ts';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { createDeriver, type Deriver, type KeyOwner } from './derivation.ts';
import {
  type AuthorizationRequest,
  type Intent,
  type Movement,
  type SignedTransaction,
  SignerRefusal,
  type SignRequest,
  type TransactionFacts,
} from '../chains/signing.ts';
import {
  type ChainPolicy,
  chainPolicyOf,
  checkAuthorization,
  intentText,
  movementOf,
  type SignerPolicy,
  spendsOf,
  tokenPolicyOf,
} from './policy.ts';
import { checkSolanaTransaction, signSolanaTransaction } from '../chains/solana/transaction.ts';
import type { SpendBook } from './spending.ts';
import { type ProofKey, requireProof } from './transfer-proof.ts';
import { checkTronTransaction, signTronTransaction } from './tron-transaction.ts';

/** Where a wallet takes deposits on one chain. */
export interface DepositAddress {
  readonly chain: Chain;
  readonly address: string;
}

/**
 * The one door to the keys. What is behind it may be this process or a process of its own; nothing on this side ever
 * sees a private key.
 */
export interface Signer {
  /**
   * The deposit addresses of one wallet on every chain, in the order of the registry; EVM chains share one.
   *
   * @param index which wallet, 0..2^31-1; the same index always gives the same addresses
   * @throws RangeError (as a rejection) when the index is no such number
   */
  depositAddresses(index: number): Promise<readonly DepositAddress[]>;
  /** Where the money that is paid out lies, on every chain, in the order of the registry. */
  treasuryAddresses(): Promise<readonly DepositAddress[]>;
  /**
   * Signs a transaction, if it does what the request says and the policy allows that.
   *
   * @throws SignerRefusal (as a rejection) otherwise; nothing is counted then
   */
  sign(request: SignRequest): Promise<SignedTransaction>;
  /**
   * Signs an authorisation to move a deposit to the treasury, which submits it (`receiveWithAuthorization`).
   *
   * @returns `r s v`, with v 27 or 28
   * @throws SignerRefusal (as a rejection)
   */
  signAuthorization(request: AuthorizationRequest): Promise<Uint8Array>;
}

/** What a signer that holds the keys needs beside them. */
export interface SignerSettings {
  readonly policy: SignerPolicy;
  readonly book: SpendBook;
  readonly clock: Clock;
  /** What transfers' proofs are checked with now: they change with the master key. Without any nothing is paid out. */
  readonly proofKeys: () => readonly ProofKey[];
}

/**
 * A signer that keeps its keys in this process's memory, in a closure: no property leads to them, and neither
 * `JSON.stringify` nor `util.inspect` shows anything.
 *
 * @param seed the 64 bytes of a BIP-39 seed; not kept, the caller may wipe it
 * @throws RangeError when the seed has another length
 */
export function createLocalSigner(
  seed: Uint8Array,
  { book, clock, policy, proofKeys }: SignerSettings,
): Signer {
  const deriver = createDeriver(seed);
  const addressesOf = (owner: KeyOwner): DepositAddress[] => {
    const address = {
      solana: deriver.address('solana', owner),
      evm: deriver.address('evm', owner),
      tron: deriver.address('tron', owner),
    };
    return chains.map((chain) => ({ chain, address: address[chainFamily(chain)] }));
  };

  const signer: Signer = {
    depositAddresses: async (index) => addressesOf(index),
    treasuryAddresses: async () => addressesOf('treasury'),
    async sign(request) {
      const { chain, intent } = request;
      const allowed = chainPolicyOf(policy, chain);
      checkRequest(request);
      const movement = movementOf(intent, allowed, chain, addressBook(deriver, chain));
      const { maxFeeNative, nonce } = check(request, movement, allowed, deriver);
      requireProof(proofKeys(), request, clock.now());
      await book.count({
        chain,
        reference: request.reference,
        meaning: intentText(request),
        nonce,
        day: new Date(clock.now()).toISOString().slice(0, 10),
        spends: spendsOf(request, allowed, maxFeeNative),
      });
      return signWith(deriver, request, movement);
    },
    async signAuthorization(request) {
      const { amountMinor: amount, chain, index, token } = request;
      const allowed = chainPolicyOf(policy, chain);
      const { address: contract } = tokenPolicyOf(allowed, chain, token);
      if (chainFamily(chain) !== 'evm') throw invalid('Only EVM chains have authorisations.');
      checkAuthorization(request);
      const at = addressBook(deriver, chain);
      const route = { from: at.deposit(index), to: at.treasury, amount, contract };
      const authorization = { ...request, ...route, chainId: BigInt(allowed.networkId) };
      const signature = deriver.sign('evm', index, authorizationDigest(authorization));
      signature[64] = (signature[64] as number) + 27;
      return signature;
    },
  };
  for (const name of Object.keys(signer)) Object.defineProperty(signer, name, { enumerable: false });
  return Object.freeze(signer);
}

function addressBook(deriver: Deriver, chain: Chain) {
  const family = chainFamily(chain);
  return {
    treasury: deriver.address(family, 'treasury'),
    deposit: (index: number) => deriver.address(family, index),
  };
}

/** What every request must have, before anything is worked out from it. */
function checkRequest({ chain, intent, reference, unsigned }: SignRequest): void {
  if (!/^[\x21-\x7e]{1,128}$/.test(reference))
    throw invalid('The reference is 1 to 128 printable characters.');
  if (unsigned.length > limits.signerTransactionBytes) throw invalid('The transaction is too long.');
  const amount = intent.kind === 'top_up' ? intent.amountNative : intent.amountMinor;
  if (amount <= 0n || amount >= 1n << 128n) throw invalid('The amount is out of range.');
  if (intent.kind !== 'transfer') return;
  const checked = checkAddress(chain, intent.destination);
  if (!checked.ok || checked.address !== intent.destination) throw invalid('The destination is no address.');
}

function check(
  { chain, intent, unsigned }: SignRequest,
  movement: Movement,
  policy: ChainPolicy,
  deriver: Deriver,
): TransactionFacts {
  switch (chainFamily(chain)) {
    case 'evm':
      return checkEvmTransaction(unsigned, movement, BigInt(policy.networkId));
    case 'tron':
      return checkTronTransaction(unsigned, movement);
    case 'solana': {
      const token = intent.kind === 'top_up' ? undefined : policy.tokens[intent.token];
      const program = token?.program ?? programs.token;
      return checkSolanaTransaction(unsigned, movement, deriver.address('solana', 'treasury'), program);
    }
  }
}

function signWith(
  deriver: Deriver,
  { chain, intent, unsigned }: SignRequest,
  { from }: Movement,
): SignedTransaction {
  const owner = ownerOf(intent);
  switch (chainFamily(chain)) {
    case 'evm':
      return signEvmTransaction(unsigned, (digest) => deriver.sign('evm', owner, digest));
    case 'tron':
      return signTronTransaction(unsigned, (digest) => deriver.sign('tron', owner, digest));
    case 'solana':
      // The treasury pays for all; who owns the tokens signs too.
      return signSolanaTransaction(unsigned, (address, message) =>
        deriver.sign('solana', address === from ? owner : 'treasury', message),
      );
  }
}

/** A deposit address signs its own sweep; everything else is the treasury's. */
function ownerOf(intent: Intent): KeyOwner {
  return intent.kind === 'sweep' ? intent.index : 'treasury';
}

function invalid(message: string): SignerRefusal {
  return new SignerRefusal('invalid_request', message);
}
