import { createHmac, timingSafeEqual } from 'node:crypto';
import { SignerRefusal } from '../chains/errors.ts';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import type { Intent, SignRequest } from '../chains/signing.ts';
import { ConfigError } from '../platform/config.ts';
import type { Keyring } from '../platform/keyring.ts';
import { limits } from '../platform/limits.ts';

/**
 * The proof of a transfer: a message authentication code (HMAC-SHA-256) that the server computes when it accepts the transfer, and the
 * signer verifies. Server and signer share the key, and the database does not contain it: write access to the database alone does not
 * allow a payment.
 */

/** A key that creates and verifies proofs. */
export interface ProofKey {
  /** Identifies the key in proofs: 8 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** The content of a proof: the maximum amount of a token that may be paid to an address for a transfer. */
export interface ProvenTransfer {
  /** The transfer's id, which is also the payment's reference. */
  readonly id: string;
  readonly chain: Chain;
  readonly token: Stablecoin;
  /** The address in the registry's form. */
  readonly destination: string;
  /** The maximum amount, in minor units of the token. */
  readonly mostMinor: bigint;
  /** The debited wallet. */
  readonly walletId: string;
  /** When the proof was created, in milliseconds since the Unix epoch. */
  readonly madeAtMs: number;
}

const purpose = 'openledger transfer proof v1';
const dayMs = 24 * 60 * 60 * 1000;

/** The proof keys that derive from the master keys, the current one first. */
export function proofKeysOf(keyring: Keyring): [ProofKey, ...ProofKey[]] {
  return keyring.all().map(({ transferProofKey }) => keyOf(transferProofKey)) as [ProofKey, ...ProofKey[]];
}

function keyOf(secret: Uint8Array): ProofKey {
  return { id: createHmac('sha256', secret).update(`${purpose} key id`).digest('hex').slice(0, 8), secret };
}

const linePrefix = 'openledger-proof-key.v1.';

/** Writes the proof key file of a separate signer: one line per key. */
export function writeProofKeys(keys: readonly ProofKey[]): string {
  return keys.map(({ secret }) => `${linePrefix}${Buffer.from(secret).toString('hex')}\n`).join('');
}

/**
 * Parses a proof key file.
 *
 * @throws ConfigError if the text contains anything but keys; the message never contains the text
 */
export function readProofKeys(text: string): ProofKey[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const keys = lines.map((line) => {
    const hex = line.trim().slice(linePrefix.length);
    return line.startsWith(linePrefix) && /^[0-9a-f]{64}$/.test(hex)
      ? keyOf(Buffer.from(hex, 'hex'))
      : undefined;
  });
  const found = keys.filter((key) => key !== undefined);
  if (found.length > 0 && found.length === lines.length) return found;
  throw new ConfigError('--proof-key-file: must be a file written by openledger proof-key.');
}

/** Creates a proof. @returns `proof.v1.<key id>.<maximum, minor units>.<created at, ms>.<43 base64url characters>` */
export function proveTransfer(key: ProofKey, transfer: ProvenTransfer): string {
  const { madeAtMs, mostMinor } = transfer;
  return ['proof.v1', key.id, mostMinor, madeAtMs, macOf(key, transfer)].join('.');
}

function macOf({ secret }: ProofKey, transfer: ProvenTransfer): string {
  const { chain, destination, id, madeAtMs, mostMinor, token, walletId } = transfer;
  // JSON delimits the fields: two different lists never give the same message.
  const message = JSON.stringify([
    purpose,
    id,
    chain,
    token,
    destination,
    String(mostMinor),
    walletId,
    String(madeAtMs),
  ]);
  return createHmac('sha256', secret).update(message).digest('base64url');
}

const proofForm = /^proof\.v1\.([0-9a-f]{8})\.(\d{1,20})\.(\d{1,15})\.([\w-]{43})$/;

/**
 * Verifies that a transfer was accepted by a process that has the key, for at least this amount, or that an operator ordered exactly this
 * return. Other intents need no proof: they move money between addresses of the seed only.
 *
 * @throws SignerRefusal `not_proven`
 */
export function requireProof(keys: readonly ProofKey[], request: SignRequest, nowMs: number): void {
  const { chain, intent, reference: id } = request;
  if (intent.kind === 'deposit_return') requireReturnProof(keys, request, intent, nowMs);
  if (intent.kind !== 'transfer') return;
  const { amountMinor, destination, proof, token } = intent;
  if (!proof || proof.text === null) throw notProven('it has no proof');
  const [, keyId, most = '', madeAt = '', mac = ''] = proofForm.exec(proof.text) ?? [];
  const key = keys.find((known) => known.id === keyId);
  if (!key) throw notProven('the signer does not have the key of its proof');
  const [mostMinor, madeAtMs] = [BigInt(most), Number(madeAt)];
  const { walletId } = proof;
  const expected = Buffer.from(macOf(key, { id, chain, token, destination, mostMinor, walletId, madeAtMs }));
  const given = Buffer.from(mac);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw notProven('its proof is for another address, token, wallet or transfer');
  }
  if (amountMinor > mostMinor) throw notProven('its proof is for a smaller amount');
  // A payment that the signer may have forgotten must not be signed again.
  if (nowMs - madeAtMs > limits.transferProofDays * dayMs) throw notProven('its proof is too old');
}

/** The content of a proof of a return. */
export interface ProvenReturn {
  /** The reference of its payment. */
  readonly id: string;
  readonly chain: Chain;
  /** The contract or mint. */
  readonly contract: string;
  /** The address in the registry's form. */
  readonly destination: string;
  /** In the token's smallest units. */
  readonly amount: bigint;
  /** When the proof was created, in milliseconds since the Unix epoch. */
  readonly madeAtMs: number;
}

const returnPurpose = 'openledger return proof v1';

/** Creates the proof of a return. @returns `return.v1.<key id>.<created at, ms>.<43 base64url characters>` */
export function proveReturn(key: ProofKey, order: ProvenReturn): string {
  return ['return.v1', key.id, order.madeAtMs, returnMacOf(key, order)].join('.');
}

function returnMacOf({ secret }: ProofKey, order: ProvenReturn): string {
  const { amount, chain, contract, destination, id, madeAtMs } = order;
  const message = JSON.stringify([
    returnPurpose,
    id,
    chain,
    contract,
    destination,
    String(amount),
    String(madeAtMs),
  ]);
  return createHmac('sha256', secret).update(message).digest('base64url');
}

const returnProofForm = /^return\.v1\.([0-9a-f]{8})\.(\d{1,15})\.([\w-]{43})$/;

function requireReturnProof(
  keys: readonly ProofKey[],
  { chain, reference: id }: SignRequest,
  { amountMinor: amount, contract, destination, proof = '' }: Intent & { kind: 'deposit_return' },
  nowMs: number,
): void {
  const [, keyId, madeAt = '', mac = ''] = returnProofForm.exec(proof) ?? [];
  const key = keys.find((known) => known.id === keyId);
  if (!key) throw notProven('no operator with a key of this signer ordered the return');
  const madeAtMs = Number(madeAt);
  const expected = Buffer.from(returnMacOf(key, { id, chain, contract, destination, amount, madeAtMs }));
  const given = Buffer.from(mac);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw notProven('its proof is for another address, token, amount or return');
  }
  if (nowMs - madeAtMs > limits.transferProofDays * dayMs) throw notProven('its proof is too old');
}

function notProven(why: string): SignerRefusal {
  return new SignerRefusal('not_proven', `The transfer is not proven: ${why}.`);
}
