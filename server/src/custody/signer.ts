import { checkAddress } from '../chains/addresses.ts';
import { SignerRefusal } from '../chains/errors.ts';
import { authorizationDigest } from '../chains/evm/eip3009.ts';
import { checkEvmTransaction, signEvmTransaction } from '../chains/evm/transaction.ts';
import { type Chain, chainFamily, chains, isChain } from '../chains/registry.ts';
import type {
  BlockReference,
  Intent,
  SignedTransaction,
  SignRequest,
  TransactionFacts,
  TransactionSigner,
  Validity,
} from '../chains/signing.ts';
import { programs } from '../chains/solana/programs.ts';
import {
  checkSolanaTransaction,
  signSolanaTransaction,
  solanaValidity,
} from '../chains/solana/transaction.ts';
import { checkTronTransaction, signTronTransaction, tronValidity } from '../chains/tron/transaction.ts';
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
  spendsOf,
  tokenPolicyOf,
} from './policy.ts';
import { dayOf, isSignedAlready, type RecordStatus, type SpendBook } from './signing-record.ts';
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
  /** Its addresses, its limits, what is spent of them today, and the state of its record. Contains no secrets. */
  status(): Promise<SignerStatus>;
}

/** What a signer tells of itself. */
export interface SignerStatus {
  readonly treasuries: readonly DepositAddress[];
  readonly policy: SignerPolicy;
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly record: RecordStatus;
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
      checkRequest(request);
      requireEntries(request, book);
      const known = await book.find(request.reference);
      try {
        const allowed = chainPolicyOf(policy, request.chain);
        const { maxFeeNative, nonce, validity } = check(request, allowed, deriver);
        requireProof(proofKeys(), request, clock.now());
        const signed = signWith(deriver, request);
        const { terms, unsigned } = request;
        const transaction = { id: signed.id, unsigned, terms, validity };
        const intent = intentText(request);
        // Limits that were lowered meanwhile must not make it look as if nothing had been signed.
        if (isSignedAlready({ intent, transaction }, known)) return { ...signed, entries: book.entries?.() };
        const { chain, reference, replaces } = request;
        await book.record({
          ...{ chain, reference, intent, nonce, transaction, replaces },
          spends: spendsOf(request, allowed, maxFeeNative),
          atMs: clock.now(),
          signAgainAfterMs: allowed.signAgainAfterMs ?? limits.signAgainAfterMs,
        });
        return { ...signed, entries: book.entries?.() };
      } catch (error) {
        if (!known || !(error instanceof SignerRefusal)) throw error;
        throw new SignerRefusal(error.code, error.message, error.signedId ?? known.last?.id ?? 'unknown');
      }
    },
    async lastSigned(reference) {
      const { last } = (await book.find(reference)) ?? {};
      return last && { id: last.id, unsigned: last.unsigned, terms: last.terms };
    },
    async status() {
      const day = dayOf(clock.now());
      return { treasuries: addressesOf('treasury'), policy, day, record: await book.status(day) };
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

/** A record that was restored from an older copy has forgotten what it signed since. @throws SignerRefusal `record_behind` */
function requireEntries({ entries = 0 }: SignRequest, book: SpendBook): void {
  const held = book.entries?.();
  if (held === undefined || held >= entries) return;
  const message = `Its record has ${held} entries, and the server has seen ${entries}: it was restored from an older copy.`;
  throw new SignerRefusal('record_behind', message);
}

/** Validates a request before anything is derived from it. */
function checkRequest({ chain, intent, reference, terms, unsigned }: SignRequest): void {
  if (!isChain(chain)) throw new SignerRefusal('chain_not_allowed', 'The chain is unknown.');
  if (!/^[\x21-\x7e]{1,128}$/.test(reference))
    throw invalid('The reference must have 1 to 128 printable ASCII characters.');
  if (unsigned.length > limits.signerTransactionBytes)
    throw invalid(`The transaction must have at most ${limits.signerTransactionBytes} bytes.`);
  if (terms.length > limits.signerTermsChars)
    throw invalid(`The terms must have at most ${limits.signerTermsChars} characters.`);
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

/** Checks that the bytes do what the intent says, and nothing else. */
function check(
  request: SignRequest,
  policy: ChainPolicy,
  deriver: Deriver,
): TransactionFacts & { readonly validity: Validity | null } {
  const { chain, intent, unsigned } = request;
  const movement = movementOf(intent, policy, chain, addressBook(deriver, chain));
  switch (chainFamily(chain)) {
    case 'evm':
      return { ...checkEvmTransaction(unsigned, movement, BigInt(policy.networkId)), validity: null };
    case 'tron':
      return {
        ...checkTronTransaction(unsigned, movement),
        validity: tronValidity(unsigned, blockOf(request)),
      };
    case 'solana': {
      const currency = 'token' in intent ? intent.token : null;
      const token = currency === null ? undefined : policy.tokens[currency];
      const program = token?.program ?? programs.token;
      const treasury = deriver.address('solana', 'treasury');
      const facts = checkSolanaTransaction(unsigned, movement, treasury, program);
      return { ...facts, validity: solanaValidity(unsigned, blockOf(request)) };
    }
  }
}

function blockOf({ block }: SignRequest): BlockReference {
  if (!block) throw invalid('The block that the transaction refers to must be stated.');
  return block;
}

function signWith(deriver: Deriver, { chain, intent, unsigned }: SignRequest): SignedTransaction {
  const owner = ownerOf(intent);
  switch (chainFamily(chain)) {
    case 'evm':
      return signEvmTransaction(unsigned, (digest) => deriver.sign('evm', owner, digest));
    case 'tron':
      return signTronTransaction(unsigned, (digest) => deriver.sign('tron', owner, digest));
    case 'solana':
      // The treasury pays the fee; the owner of the tokens signs too.
      return signSolanaTransaction(unsigned, (address, message) =>
        deriver.sign('solana', address === deriver.address('solana', owner) ? owner : 'treasury', message),
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
