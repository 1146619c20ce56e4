import { hkdfSync } from 'node:crypto';
import { limits } from './limits.ts';
import { type XaesKey, xaesKey } from './xaes.ts';

export const masterKeyBytes = 32;

/** A master key with the keys that are derived from it by HKDF-SHA-256 (RFC 5869). */
export interface MasterKey {
  /** 8 hex characters that identify the key in sealed values and codes. */
  readonly id: string;
  /** Opens values of the first format (`sealed.v1`), which has no scopes. */
  readonly firstSealKey: Buffer;
  readonly indexKey: Buffer;
  readonly signKey: Buffer;
  readonly macKey: Buffer;
  /** Shared by the API processes and the signer (custody/transfer-proof.ts). */
  readonly transferProofKey: Buffer;
  /**
   * The key that seals one kind of content within one scope.
   *
   * @param salt of the customer whose data it is; without it the key cannot be derived
   */
  sealKey(scope: string, purpose: string, salt: Buffer | undefined): XaesKey;
}

/** The master keys of a deployment: the current one seals, the others only open. */
export interface Keyring {
  /** The key that seals and signs. */
  current(): MasterKey;
  /** The key with an id; undefined if the deployment does not have it. */
  find(id: string): MasterKey | undefined;
  /** Every key, the current one first. */
  all(): readonly MasterKey[];
}

/**
 * Creates a keyring.
 *
 * @param keys 32 bytes each, the current one first
 * @param reread reads keys that can change while the process runs. Called every few seconds, and when an unknown key is
 *   requested. Returns undefined to keep the current ones
 */
export function createKeyring(
  keys: readonly Uint8Array[],
  reread?: () => readonly Uint8Array[] | undefined,
): Keyring {
  let ring = ringOf(keys, []);
  let readAtMs = Date.now();
  const refresh = (ageMs: number): void => {
    if (!reread || Date.now() - readAtMs < ageMs) return;
    readAtMs = Date.now();
    const read = reread();
    if (read) ring = ringOf(read, ring);
  };
  const found = (id: string): MasterKey | undefined => ring.find((key) => key.id === id);
  return {
    current() {
      refresh(limits.keyringRereadMs);
      return ring[0] as MasterKey;
    },
    find(id) {
      const known = found(id);
      if (known) return known;
      refresh(limits.keyringMissRereadMs);
      return found(id);
    },
    all() {
      refresh(limits.keyringRereadMs);
      return ring;
    },
  };
}

function ringOf(keys: readonly Uint8Array[], known: readonly MasterKey[]): MasterKey[] {
  if (keys.length === 0) throw new RangeError('A keyring needs at least one master key');
  const ring = keys.map(masterKey);
  // A key that is already known keeps its derived keys.
  return ring.map((key) => known.find(({ id }) => id === key.id) ?? key);
}

function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== masterKeyBytes) throw new RangeError('The master key must be 32 bytes');
  const sealKeys = new Map<string, XaesKey>();
  return {
    id: masterKeyId(bytes),
    firstSealKey: derive(bytes, 'openledger seal v1'),
    indexKey: derive(bytes, 'openledger index v1'),
    signKey: derive(bytes, 'openledger sign v1'),
    macKey: derive(bytes, 'openledger mac v1'),
    transferProofKey: derive(bytes, 'openledger transfer proof v1'),
    sealKey(scope, purpose, salt) {
      const name = `${scope}\n${purpose}`;
      const cached = salt ? `${name}\n${salt.toString('latin1')}` : name;
      const known = sealKeys.get(cached);
      if (known) return known;
      const made = xaesKey(derive(bytes, `openledger seal v2\n${name}`, salt));
      // Derived keys are cheap to derive again; clearing all of them bounds the memory.
      if (sealKeys.size >= limits.derivedKeys) sealKeys.clear();
      sealKeys.set(cached, made);
      return made;
    },
  };
}

/** The id of a master key: 8 hex characters that reveal nothing of it. */
export function masterKeyId(bytes: Uint8Array): string {
  return derive(bytes, 'openledger key id v1').toString('hex').slice(0, 8);
}

function derive(masterKey: Uint8Array, purpose: string, salt: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, salt, purpose, 32));
}
