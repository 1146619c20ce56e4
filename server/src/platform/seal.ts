import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/**
 * Encryption at rest: AES-256-GCM (NIST SP 800-38D) under keys derived from the master key by HKDF-SHA-256 (RFC 5869),
 * one key per purpose. The purpose and the caller's context are authenticated, so that a sealed value moved to another
 * row does not open.
 */
export interface Vault {
  /** Encrypts a text or bytes. @param context where it belongs, e.g. `customers.personal:cus_…` */
  seal(content: string | Uint8Array, context: string): string;
  /** Decrypts what `seal` made. @throws Error when it was changed, moved, or sealed under another master key */
  open(sealed: string, context: string): string;
  /** The same for bytes. */
  openBytes(sealed: string, context: string): Buffer;
  /** A keyed fingerprint for exact search over sealed values (a blind index), 32 hex characters. */
  fingerprint(text: string, context: string): string;
  /** A message authentication code (HMAC-SHA-256), 43 base64url characters: proves that we wrote the text. */
  sign(text: string, context: string): string;
  /**
   * A message authentication code over the fields of a row that gives rights or directs money.
   *
   * @param fields in a fixed order; a number and its text are the same field
   * @param context table and primary key, e.g. `api_keys:5:key_…`, so that a row's code is of no use in another row
   * @returns `mac.v1.<key id>.<43 base64url characters>`
   */
  mac(fields: readonly MacField[], context: string): string;
  /** Whether `mac` was made by `mac` over the same fields and context. Compares in constant time. */
  isAuthentic(mac: string | null, fields: readonly MacField[], context: string): boolean;
}

/** A value that a message authentication code covers. Times are given in milliseconds, bytes as hex. */
export type MacField = string | number | bigint | boolean | null;

const sealedPrefix = 'sealed.v1.';
const macPrefix = 'mac.v1.';
const masterKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Makes a vault.
 *
 * @param masterKey 32 bytes
 */
export function createVault(masterKey: Uint8Array): Vault {
  if (masterKey.length !== masterKeyBytes) throw new RangeError('The master key must be 32 bytes');
  const sealKey = derive(masterKey, 'openledger seal v1');
  const indexKey = derive(masterKey, 'openledger index v1');
  const signKey = derive(masterKey, 'openledger sign v1');
  const macKey = derive(masterKey, 'openledger mac v1');
  const keyId = derive(masterKey, 'openledger key id v1').toString('hex').slice(0, 8);

  const openBytes = (sealed: string, context: string): Buffer => {
    if (!isSealed(sealed)) throw new Error('Not a sealed value');
    const body = Buffer.from(sealed.slice(sealedPrefix.length), 'base64');
    if (body.length < nonceBytes + tagBytes) throw new Error('A sealed value is too short');
    const decipher = createDecipheriv('aes-256-gcm', sealKey, body.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    }).setAAD(Buffer.from(context));
    decipher.setAuthTag(body.subarray(body.length - tagBytes));
    const content = decipher.update(body.subarray(nonceBytes, body.length - tagBytes));
    return Buffer.concat([content, decipher.final()]);
  };

  // Random bytes are cheap in bulk only.
  let nonces = Buffer.alloc(0);
  const nextNonce = (): Buffer => {
    if (nonces.length < nonceBytes) nonces = randomBytes(nonceBytes * 256);
    const nonce = nonces.subarray(0, nonceBytes);
    nonces = nonces.subarray(nonceBytes);
    return nonce;
  };

  const macOf = (fields: readonly MacField[], context: string): string =>
    `${macPrefix}${keyId}.${createHmac('sha256', macKey).update(macMessage(fields, context)).digest('base64url')}`;

  return {
    mac: macOf,
    isAuthentic(mac, fields, context) {
      const expected = Buffer.from(macOf(fields, context));
      const given = Buffer.from(mac ?? '');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
    seal(content, context) {
      const nonce = nextNonce();
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(Buffer.from(context));
      const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
      const body = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
      return sealedPrefix + body.toString('base64');
    },
    open: (sealed, context) => openBytes(sealed, context).toString('utf8'),
    openBytes,
    fingerprint(text, context) {
      return createHmac('sha256', indexKey)
        .update(context)
        .update('\0')
        .update(text)
        .digest('hex')
        .slice(0, 32);
    },
    sign: (text, context) =>
      createHmac('sha256', signKey).update(context).update('\0').update(text).digest('base64url'),
  };
}

/** Lengths before contents, so that no two lists of fields make the same message. */
function macMessage(fields: readonly MacField[], context: string): string {
  let message = `${context.length}:${context}`;
  for (const field of fields) {
    const text = field === null ? '' : String(field);
    message += field === null ? '-' : `${text.length}:${text}`;
  }
  return message;
}

/** Whether a stored text is sealed (JSON and other plain texts never start this way). */
export function isSealed(text: string): boolean {
  return text.startsWith(sealedPrefix);
}

/** A new random master key, 64 hex characters. */
export function newMasterKey(): string {
  return randomBytes(masterKeyBytes).toString('hex');
}

/**
 * Reads a master key written as 64 hex characters or as base64 of 32 bytes.
 *
 * @returns the 32 bytes, or undefined when the text is neither
 */
export function parseMasterKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === masterKeyBytes ? bytes : undefined;
}

function derive(masterKey: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, new Uint8Array(0), purpose, 32));
}
