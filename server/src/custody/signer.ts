import { checkAddress } from '../chains/addresses.ts';
import { SignerRefusal } from '../chains/errors.ts';
import { authorizationDigest } from '../chains/evm/eip3009.ts';
import { checkEvmTransaction, signEvmTransaction } from '../chains/evm/transaction.ts';
import { type Chain, chainFamily, chains } from '../chains/registry.ts';
import type {
  Intent,
  Movement,
  SignedTransaction,
  SignRequest,
  TransactionFacts,
  TransactionSigner,
} from '../chains/signing.ts';
import { programs } from '../chains/solana/programs.ts';
import { checkSolanaTransaction, signSolanaTransaction } from '../chains/solana/transaction.ts';
import { checkTronTransaction, signTronTransaction } from '../chains/tron/transaction.ts';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { createDeriver, type Deriver, type KeyOwner } from './derivation.ts';
import {
  type ChainPolicy,
  chainPolicyOf,
  checkAuthorization,
  intentText,
  isOfDepositAddress,
  movementOf,
  type SignerPolicy,
  type SpendBook,
  spendsOf,
  tokenPolicyOf,
} from './policy.ts';
import { type ProofKey, requireProof } from './transfer-proof.ts';

/** An address that receives deposits on one chain. */
export interface DepositAddress {
  readonly chain: Chain;
  readonly address: string;
}

/** The only access to the keys, in this process or in a separate one. No operation returns a private key. */
export interface Signer extends TransactionSigner {
  /**
   * Derives a wallet's deposit addresses on every chain, in the order of the registry. EVM chains share one.
   *
   * @param index the wallet's derivation index, 0 to 2^31 − 1
   * @throws RangeError (as a rejection) if the index is invalid
   */
  depositAddresses(index: number): Promise<readonly DepositAddress[]>;
  /** Derives the treasury's addresses on every chain, in the order of the registry. */
  treasuryAddresses(): Promise<readonly DepositAddress[]>;
}

/** What a local signer needs apart from the seed. */
export interface SignerSettings {
  readonly policy: SignerPolicy;
  readonly book: SpendBook;
  readonly clock: Clock;
  /** Returns the current keys that verify proofs of transfers; they change with the master key. Without a key no transfer is signed. */
  readonly proofKeys: () => readonly ProofKey[];
}

/**
 * Creates a signer that keeps its keys in this process. No property refers to them, so neither `JSON.stringify` nor `util.inspect`
 * shows them.
 *
 * @param seed the 64 bytes of a BIP-39 seed; not kept, the caller may wipe it
 * @throws RangeError if the seed has another length
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
        intent: intentText(request),
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
      if (chainFamily(chain) !== 'evm') throw invalid('Authorizations exist on EVM chains only.');
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

/** Validates a request before anything is derived from it. */
function checkRequest({ chain, intent, reference, unsigned }: SignRequest): void {
  if (!/^[\x21-\x7e]{1,128}$/.test(reference))
    throw invalid('The reference must have 1 to 128 printable ASCII characters.');
  if (unsigned.length > limits.signerTransactionBytes)
    throw invalid(`The transaction must have at most ${limits.signerTransactionBytes} bytes.`);
  if (intent.kind === 'nonce_fill') {
    if (chainFamily(chain) === 'evm') return;
    throw invalid('Only EVM chains have nonces.');
  }
  const amount = intent.kind === 'top_up' ? intent.amountNative : intent.amountMinor;
  if (amount <= 0n || amount >= 1n << 128n)
    throw invalid('The amount must be greater than 0 and less than 2^128.');
  if (intent.kind !== 'transfer' && intent.kind !== 'deposit_return') return;
  const checked = checkAddress(chain, intent.destination);
  if (!checked.ok || checked.address !== intent.destination)
    throw invalid(`The destination must be an address on ${chain} in its canonical form.`);
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
      const currency = 'token' in intent ? intent.token : null;
      const token = currency === null ? undefined : policy.tokens[currency];
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
      // The treasury pays the fee; the owner of the tokens signs too.
      return signSolanaTransaction(unsigned, (address, message) =>
        deriver.sign('solana', address === from ? owner : 'treasury', message),
      );
  }
}

/** A deposit address signs what it sends itself; the treasury signs everything else. */
function ownerOf(intent: Intent): KeyOwner {
  return isOfDepositAddress(intent) ? intent.index : 'treasury';
}

function invalid(message: string): SignerRefusal {
  return new SignerRefusal('invalid_request', message);
}
