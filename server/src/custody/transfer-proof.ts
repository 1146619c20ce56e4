import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import { ConfigError } from '../platform/config.ts';
import type { Keyring } from '../platform/keyring.ts';
import { limits } from '../platform/limits.ts';
import { SignerRefusal, type SignRequest } from '../chains/signing.ts';

/**
 * The proof of a transfer: a message authentication code (HMAC-SHA-256) that the process which has accepted the transfer makes
 * for the signer. The two share its key, and the database has it not: who can only write to the database directs no payment.
 */

/** A key that proofs are made and checked with. */
export interface ProofKey {
  /** Names it in proofs: 8 hex characters. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** What a proof says: so much of the token at most may be paid to the address for this transfer. */
export interface ProvenTransfer {
  /** The transfer's id, which is the payment's reference. */
  readonly id: string;
  readonly chain: Chain;
  readonly token: Stablecoin;
  /** In the form of the registry. */
  readonly destination: string;
  /** In minor units of the token. */
  readonly mostMinor: bigint;
  /** The wallet that it is debited to. */
  readonly walletId: string;
  /** When it was made, in milliseconds since the Unix epoch. */
  readonly madeAtMs: number;
}

const purpose = 'openledger transfer proof v1';
const dayMs = 24 * 60 * 60 * 1000;

/** The keys of proofs that belong to the master keys, the current one first. */
export function proofKeysOf(keyring: Keyring): [ProofKey, ...ProofKey[]] {
  return keyring.all().map(({ transferProofKey }) => keyOf(transferProofKey)) as [ProofKey, ...ProofKey[]];
}

function keyOf(secret: Uint8Array): ProofKey {
  return { id: createHmac('sha256', secret).update(`${purpose} key id`).digest('hex').slice(0, 8), secret };
}

const linePrefix = 'openledger-proof-key.v1.';

/** The text of a file for a signer that runs apart: a line for each key. */
export function writeProofKeys(keys: readonly ProofKey[]): string {
  return keys.map(({ secret }) => `${linePrefix}${Buffer.from(secret).toString('hex')}\n`).join('');
}

/**
 * Reads such a file.
 *
 * @throws ConfigError when it holds no key, or anything else; the text never holds what was read
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
  throw new ConfigError('--proof-key-file: Give a file that openledger proof-key has written.');
}

/** @returns `proof.v1.<key id>.<most, minor units>.<made at, ms>.<43 base64url characters>` */
export function proveTransfer(key: ProofKey, transfer: ProvenTransfer): string {
  const { madeAtMs, mostMinor } = transfer;
  return ['proof.v1', key.id, mostMinor, madeAtMs, macOf(key, transfer)].join('.');
}

function macOf({ secret }: ProofKey, transfer: ProvenTransfer): string {
  const { chain, destination, id, madeAtMs, mostMinor, token, walletId } = transfer;
  // JSON keeps the fields apart: no two lists make the same message.
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
 * Makes sure that a payout is one that a process which has the key has accepted, and no larger. Other intents need no proof:
 * they move money between addresses of the seed only.
 *
 * @throws SignerRefusal `not_proven`
 */
export function requireProof(keys: readonly ProofKey[], request: SignRequest, nowMs: number): void {
  const { chain, intent, reference: id } = request;
  if (intent.kind !== 'transfer') return;
  const { amountMinor, destination, proof, token } = intent;
  if (!proof || proof.text === null) throw notProven('it has no proof');
  const [, keyId, most = '', madeAt = '', mac = ''] = proofForm.exec(proof.text) ?? [];
  const key = keys.find((known) => known.id === keyId);
  if (!key) throw notProven('its proof was made with a key that the signer does not have');
  const [mostMinor, madeAtMs] = [BigInt(most), Number(madeAt)];
  const { walletId } = proof;
  const expected = Buffer.from(macOf(key, { id, chain, token, destination, mostMinor, walletId, madeAtMs }));
  const given = Buffer.from(mac);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw notProven('its proof is of another address, token, wallet or transfer');
  }
  if (amountMinor > mostMinor) throw notProven('its proof is of a smaller amount');
  // A payment that the signer may have forgotten must not be made again.
  if (nowMs - madeAtMs > limits.transferProofDays * dayMs) throw notProven('its proof is too old');
}

function notProven(why: string): SignerRefusal {
  return new SignerRefusal('not_proven', `The transfer is not proven: ${why}.`);
}
