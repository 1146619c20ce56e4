import { createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createKeyring, type Keyring, type MasterKey, masterKeyBytes } from './keyring.ts';
import { limits } from './limits.ts';
import { xaesNonceBytes, xaesOpen, xaesSeal } from './xaes.ts';

/**
 * Encryption at rest: XAES-256-GCM under keys derived from the master key, one for each scope (the deployment, an
 * environment, a customer) and purpose. The caller's context is authenticated, so that a sealed value moved to another
 * row does not open. A sealed value is `sealed.v2.<key id>.<scope>.<nonce, ciphertext and tag in base64url>`.
 */
export interface Vault {
  /**
   * Encrypts a text or bytes in the vault's scope: that of the deployment, unless `inEnvironment` or `forCustomer` gave
   * another one.
   *
   * @param context where it belongs, e.g. `customers.personal:cus_…`; what precedes the colon is its purpose
   */
  seal(content: string | Uint8Array, context: string): string;
  /**
   * Decrypts what `seal` made, whatever its scope.
   *
   * @throws ErasedError when it was a customer's whose key has been destroyed; Error when it was changed, moved, or sealed
   *   under a master key that is not there
   */
  open(sealed: string, context: string): string;
  /** Decrypts bytes. */
  openBytes(sealed: string, context: string): Buffer;
  /** A keyed fingerprint for exact search over sealed values (a blind index), 32 hex characters. */
  fingerprint(text: string, context: string): string;
  /** The fingerprints of a text under every master key, the current one first. During a rotation rows have either. */
  fingerprints(text: string, context: string): string[];
  /** A message authentication code (HMAC-SHA-256), 43 base64url characters: proves that a server wrote the text. */
  sign(text: string, context: string): string;
  /** Whether `sign` made the code for this text and context, under any of the master keys. Compares in constant time. */
  isSigned(code: string, text: string, context: string): boolean;
  /**
   * A message authentication code over the fields of a row that gives rights or directs money.
   *
   * @param fields in a fixed order; a number and its text are the same field
   * @param context table and primary key, e.g. `api_keys:5:key_…`, so that a row's code is invalid in another row
   * @returns `mac.v1.<key id>.<43 base64url characters>`
   */
  mac(fields: readonly MacField[], context: string): string;
  /** Whether `mac` made the code over these fields and context, under any of the master keys. Compares in constant time. */
  isAuthentic(mac: string | null, fields: readonly MacField[], context: string): boolean;
  /** The id of the current master key. Values that start with `sealed.v2.<key id>.` or `mac.v1.<key id>.` need no rotation. */
  currentKeyId(): string;
  /** This vault, sealing in the scope of an environment. */
  inEnvironment(environmentId: string): Vault;
  /** This vault, sealing in the scope of a customer and opening their values. For an erased customer: in the scope of their environment. */
  forCustomer(customer: CustomerKeyHolder): Vault;
  /**
   * Encrypts a text in the scope of another sealed value, because a response to that value may repeat it: with the key of
   * its customer, or else in the scope of the environment.
   */
  sealLike(other: string, environmentId: string, content: string, context: string): string;
  /** This vault with another source of customers' salts. */
  withSalts(salts: SaltSource): Vault;
  /** Loads the customers' keys that open these values. */
  prepare(sealed: readonly (string | null)[]): Promise<void>;
}

/** A value that a message authentication code covers. Times are given in milliseconds, bytes as hex. */
export type MacField = string | number | bigint | boolean | null;

/** The salt that a customer's key is derived from. Destroying the salt destroys the key. */
export interface CustomerKeyHolder {
  readonly id: string;
  readonly environment_id: string;
  /** 32 random bytes; null once the customer is erased. */
  readonly key_salt: Buffer | null;
}

/** A source of customers' salts. */
export interface SaltSource {
  /** Null if the customer is erased, undefined if the salt was not loaded. */
  saltOf(customerId: string): Buffer | null | undefined;
  load(customerIds: readonly string[]): Promise<void>;
}

const noSalts: SaltSource = { saltOf: () => undefined, load: async () => undefined };

/** The value belongs to a customer whose key was destroyed; it cannot be opened. */
export class ErasedError extends Error {
  override readonly name = 'ErasedError';
}

/** Replaces a sealed value of an erased customer. */
export const erasedValue = 'sealed.v2.erased';

/** The result of `open`, or `erased` if the customer's key was destroyed. */
export function unlessErased<Opened>(open: () => Opened, erased: Opened): Opened {
  try {
    return open();
  } catch (error) {
    if (error instanceof ErasedError) return erased;
    throw error;
  }
}

const firstPrefix = 'sealed.v1.';
const prefix = 'sealed.v2.';
const macPrefix = 'mac.v1.';
const firstNonceBytes = 12;
const tagBytes = 16;
const saltBytes = 32;
const deploymentScope = '-';

/**
 * Creates a vault.
 *
 * @param keys a keyring, or a single master key of 32 bytes
 */
export function createVault(keys: Keyring | Uint8Array): Vault {
  const keyring = keys instanceof Uint8Array ? createKeyring([keys]) : keys;
  return scopedVault(keyring, codes(keyring), { scope: deploymentScope, salt: undefined }, noSalts);
}

interface SealScope {
  readonly scope: string;
  /** Of a customer. */
  readonly salt: Buffer | undefined;
}

function scopedVault(keyring: Keyring, shared: Codes, sealScope: SealScope, salts: SaltSource): Vault {
  const environments = new Map<string, Vault>();
  const opener = (sealed: string, context: string) => openSealed(keyring, salts, sealed, context);
  const vault: Vault = {
    ...shared,
    seal: (content, context) => sealContent(keyring.current(), sealScope, content, context),
    open: (sealed, context) => opener(sealed, context).toString('utf8'),
    openBytes: opener,
    currentKeyId: () => keyring.current().id,
    inEnvironment(environmentId) {
      const known = environments.get(environmentId);
      if (known) return known;
      const made = scopedVault(keyring, shared, { scope: environmentId, salt: undefined }, salts);
      environments.set(environmentId, made);
      return made;
    },
    forCustomer({ environment_id, id, key_salt }) {
      const own: SealScope =
        key_salt === null ? { scope: environment_id, salt: undefined } : { scope: id, salt: key_salt };
      return scopedVault(keyring, shared, own, {
        ...salts,
        saltOf: (other) => (other === id ? key_salt : salts.saltOf(other)),
      });
    },
    sealLike(other, environmentId, content, context) {
      const id = sealedCustomer(other);
      const salt = (id === undefined ? undefined : salts.saltOf(id)) ?? undefined;
      const own = id === undefined || !salt ? { scope: environmentId, salt: undefined } : { scope: id, salt };
      return sealContent(keyring.current(), own, content, context);
    },
    withSalts: (source) => scopedVault(keyring, shared, sealScope, source),
    async prepare(sealed) {
      const ids = new Set(sealed.map((text) => (text === null ? undefined : sealedCustomer(text))));
      ids.delete(undefined);
      if (ids.size > 0) await salts.load([...ids] as string[]);
    },
  };
  return vault;
}

/** The functions that depend on the master keys only. */
type Codes = Pick<Vault, 'fingerprint' | 'fingerprints' | 'sign' | 'isSigned' | 'mac' | 'isAuthentic'>;

function codes(keyring: Keyring): Codes {
  const fingerprintOf = ({ indexKey }: MasterKey, text: string, context: string): string =>
    createHmac('sha256', indexKey).update(context).update('\0').update(text).digest('hex').slice(0, 32);
  const signatureOf = ({ signKey }: MasterKey, text: string, context: string): string =>
    createHmac('sha256', signKey).update(context).update('\0').update(text).digest('base64url');
  const macOf = ({ id, macKey }: MasterKey, message: string): string =>
    `${macPrefix}${id}.${createHmac('sha256', macKey).update(message).digest('base64url')}`;
  const verified = createVerifiedCodes();
  return {
    fingerprint: (text, context) => fingerprintOf(keyring.current(), text, context),
    fingerprints: (text, context) => keyring.all().map((key) => fingerprintOf(key, text, context)),
    sign: (text, context) => signatureOf(keyring.current(), text, context),
    isSigned: (code, text, context) =>
      keyring.all().some((key) => isSame(code, signatureOf(key, text, context))),
    mac: (fields, context) => macOf(keyring.current(), macMessage(fields, context)),
    isAuthentic(mac, fields, context) {
      const key = mac?.startsWith(macPrefix)
        ? keyring.find(mac.slice(macPrefix.length).split('.', 1)[0] ?? '')
        : undefined;
      if (key === undefined || mac === null) return false;
      const message = macMessage(fields, context);
      if (verified.has(mac, message)) return true;
      if (!isSame(mac, macOf(key, message))) return false;
      verified.add(mac, message);
      return true;
    },
  };
}

/**
 * A cache of right codes with their messages: the same rows are read again and again, and comparing a message takes a tenth
 * of the time that computing its code takes. A code is right for its own message only, and only while its key is in the keyring.
 */
function createVerifiedCodes() {
  const messages = new Map<string, string>();
  return {
    has: (mac: string, message: string): boolean => messages.get(mac) === message,
    add(mac: string, message: string): void {
      if (message.length > limits.verifiedCodeChars) return;
      if (messages.size >= limits.verifiedCodes) messages.delete(messages.keys().next().value as string);
      messages.set(mac, message);
    },
  };
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function sealContent(
  key: MasterKey,
  { salt, scope }: SealScope,
  content: string | Uint8Array,
  context: string,
): string {
  const nonce = nextRandom(xaesNonceBytes);
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  const body = xaesSeal(key.sealKey(scope, purposeOf(context), salt), nonce, bytes, Buffer.from(context));
  return `${prefix}${key.id}.${scope}.${Buffer.concat([nonce, body]).toString('base64url')}`;
}

function openSealed(keyring: Keyring, salts: SaltSource, sealed: string, context: string): Buffer {
  if (sealed === erasedValue) throw new ErasedError('The value was erased');
  if (sealed.startsWith(firstPrefix)) return openFirst(keyring, sealed, context);
  if (!sealed.startsWith(prefix)) throw new Error('Not a sealed value');
  const [keyId = '', scope = '', text = ''] = sealed.slice(prefix.length).split('.');
  const key = keyring.find(keyId);
  if (!key)
    throw new Error(`A value was sealed under the master key ${keyId}, which this deployment does not have`);
  const salt = sealedCustomer(sealed) === undefined ? undefined : requireSalt(salts, scope);
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < xaesNonceBytes) throw new Error('A sealed value is too short');
  const [nonce, body] = [bytes.subarray(0, xaesNonceBytes), bytes.subarray(xaesNonceBytes)];
  return xaesOpen(key.sealKey(scope, purposeOf(context), salt), nonce, body, Buffer.from(context));
}

function requireSalt(salts: SaltSource, customerId: string): Buffer {
  const salt = salts.saltOf(customerId);
  if (salt === null) throw new ErasedError(`The customer ${customerId} was erased`);
  if (!salt) throw new Error(`The key of the customer ${customerId} was not loaded`);
  return salt;
}

/** `sealed.v1`: AES-256-GCM (NIST SP 800-38D) under one key for all. It does not name its master key. */
function openFirst(keyring: Keyring, sealed: string, context: string): Buffer {
  const body = Buffer.from(sealed.slice(firstPrefix.length), 'base64');
  if (body.length < firstNonceBytes + tagBytes) throw new Error('A sealed value is too short');
  let fault: unknown;
  for (const { firstSealKey } of keyring.all()) {
    const decipher = createDecipheriv('aes-256-gcm', firstSealKey, body.subarray(0, firstNonceBytes), {
      authTagLength: tagBytes,
    }).setAAD(Buffer.from(context));
    decipher.setAuthTag(body.subarray(body.length - tagBytes));
    try {
      const content = decipher.update(body.subarray(firstNonceBytes, body.length - tagBytes));
      return Buffer.concat([content, decipher.final()]);
    } catch (error) {
      fault = error;
    }
  }
  throw fault;
}

function purposeOf(context: string): string {
  const end = context.indexOf(':');
  return end === -1 ? context : context.slice(0, end);
}

// Random bytes are drawn in bulk, which is cheaper.
let randoms = Buffer.alloc(0);
function nextRandom(bytes: number): Buffer {
  if (randoms.length < bytes) randoms = randomBytes(bytes * 256);
  const taken = randoms.subarray(0, bytes);
  randoms = randoms.subarray(bytes);
  return taken;
}

/** A new salt for a customer's key. */
export function newKeySalt(): Buffer {
  return randomBytes(saltBytes);
}

/** Whether a stored text is sealed. Plain texts never start with the prefix. */
export function isSealed(text: string): boolean {
  return text.startsWith(prefix) || text.startsWith(firstPrefix);
}

/** The customer in whose scope a text is sealed; undefined if its scope is not a customer. */
export function sealedCustomer(text: string): string | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const start = text.indexOf('.', prefix.length) + 1;
  return start > 0 && text.startsWith('cus_', start)
    ? text.slice(start, text.indexOf('.', start))
    : undefined;
}

/** Prefixes each field with its length, so that different lists never make the same message. */
function macMessage(fields: readonly MacField[], context: string): string {
  let message = `${context.length}:${context}`;
  for (const field of fields) {
    const text = field === null ? '' : String(field);
    message += field === null ? '-' : `${text.length}:${text}`;
  }
  return message;
}

/** A new random master key, 64 hex characters. */
export function newMasterKey(): string {
  return randomBytes(masterKeyBytes).toString('hex');
}

/**
 * Parses a master key of 64 hex characters, or of 32 bytes in base64.
 *
 * @returns 32 bytes; undefined if the text is neither
 */
export function parseMasterKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === masterKeyBytes ? bytes : undefined;
}

/**
 * Parses master keys separated by white space or commas, the current one first.
 *
 * @returns undefined if there is none, or one of them is invalid
 */
export function parseMasterKeys(text: string): Uint8Array[] | undefined {
  const keys = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseMasterKey);
  return keys.length === 0 || keys.includes(undefined) ? undefined : (keys as Uint8Array[]);
}
