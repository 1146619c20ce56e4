import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import { ApiError, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { createPrefixLookUp } from './prefix-look-up.ts';

/** The caller of a request: an API key, and its environment. */
export interface Caller {
  readonly keyId: string;
  /** The rate limit of the key's organisation: `writes/reads` per second, `off`, or null for the server's setting. */
  readonly rateLimit: string | null;
  readonly environment: {
    /** The id of its current data. Each reset of a sandbox changes it. */
    readonly id: string;
    /** The id of the environment's row, which never changes. */
    readonly rowId: string;
    readonly kind: 'test' | 'live';
    readonly organisationId: string;
  };
}

/** A stored key. */
export interface StoredKey extends Caller {
  readonly secretHash: Buffer;
}

/** The parts of an API key `ld_<env>_<prefix>_<secret>`. */
export interface PresentedKey {
  readonly env: 'test' | 'live';
  readonly prefix: string;
  readonly secret: string;
}

const keyPattern = /^ld_(test|live)_([0-9A-Za-z]{6,40})_([0-9A-Za-z]{20,100})$/;

/**
 * Parses the API key of the headers `Authorization: Bearer <key>` or `X-API-Key: <key>`.
 *
 * @throws ApiError 401 if there is none, if two differ, or if it is malformed
 */
export function presentedKey(headers: IncomingHttpHeaders): PresentedKey {
  const { authorization } = headers;
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (authorization !== undefined && bearer === undefined) {
    throw new ApiError(unauthorized('invalid_api_key', 'Send the key as "Authorization: Bearer <key>".'));
  }
  const header = headers['x-api-key'];
  const other = Array.isArray(header) ? header.join() : header;
  if (bearer !== undefined && other !== undefined && bearer !== other) {
    throw new ApiError(
      unauthorized('two_api_keys', '`Authorization` and `X-API-Key` must have the same key.'),
    );
  }
  const key = bearer ?? other;
  if (key === undefined) {
    const text = 'Send your API key as "Authorization: Bearer <key>" or in the X-API-Key header.';
    throw new ApiError(unauthorized('missing_api_key', text));
  }
  const match = keyPattern.exec(key);
  if (!match) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
  return { env: match[1] as 'test' | 'live', prefix: match[2] as string, secret: match[3] as string };
}

/** The stored hash of a secret. Secrets are long and random, so that a plain hash is enough. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer') as Buffer;
}

/** Verifies keys. */
export interface Authenticator {
  /** The caller of a key that was verified a moment ago, from the cache only. */
  known(key: PresentedKey): Caller | undefined;
  /**
   * Verifies a key, from the cache or the database.
   *
   * @returns undefined if the key is invalid
   * @throws ApiError 429 if too many unknown prefixes are being looked up
   */
  check(key: PresentedKey): Promise<Caller | undefined>;
  /** Verifies a key without the cache. @returns undefined if it is invalid */
  recheck(key: PresentedKey): Promise<Caller | undefined>;
  /** Removes the keys of an environment from the cache. @param rowId the id of the environment's row */
  forget(rowId: string): void;
}

/** Finds keys by their prefixes, without revoked ones. */
export type FindKeys = (prefixes: readonly string[]) => Promise<ReadonlyMap<string, StoredKey>>;

/**
 * Creates the authenticator of a process. Stored keys are cached for a moment, so that requests with a stored prefix cost one
 * look-up in that time, with a right or a wrong secret. Unknown prefixes are not cached and share paced look-ups, so that
 * guessing costs the database a bounded number of statements.
 */
export function createAuthenticator(clock: Clock, findKeys: FindKeys): Authenticator {
  const cache = new Map<string, { readonly key: StoredKey; readonly untilMs: number }>();
  const lookUpNow = createPrefixLookUp(findKeys, 0);
  const lookUpPaced = createPrefixLookUp(findKeys, limits.prefixLookUpMs);
  const noHash = Buffer.alloc(32);
  let forgetCount = 0;

  const matches = (presented: PresentedKey, stored: StoredKey | undefined): boolean => {
    // Also without a stored key, so that both take the same time.
    const same = timingSafeEqual(hashSecret(presented.secret), stored?.secretHash ?? noHash);
    return same && stored !== undefined && stored.environment.kind === presented.env;
  };

  const fresh = ({ prefix }: PresentedKey): StoredKey | undefined => {
    const cached = cache.get(prefix);
    return cached && cached.untilMs > clock.now() ? cached.key : undefined;
  };

  const lookUp = async ({ prefix }: PresentedKey): Promise<StoredKey | undefined> => {
    const countBefore = forgetCount;
    const stored = await (cache.has(prefix) ? lookUpNow : lookUpPaced)(prefix);
    cache.delete(prefix);
    // A key that was read before `forget` may be stale.
    if (stored && forgetCount === countBefore) {
      const [oldest] = cache.keys();
      if (oldest !== undefined && cache.size >= limits.apiKeyCacheEntries) cache.delete(oldest);
      cache.set(prefix, { key: stored, untilMs: clock.now() + limits.apiKeyCacheMs });
    }
    return stored;
  };

  return {
    known(presented) {
      const stored = fresh(presented);
      return stored && matches(presented, stored) ? stored : undefined;
    },
    async check(presented) {
      const stored = fresh(presented) ?? (await lookUp(presented));
      return matches(presented, stored) ? stored : undefined;
    },
    async recheck(presented) {
      const stored = await lookUp(presented);
      return matches(presented, stored) ? stored : undefined;
    },
    forget(rowId) {
      forgetCount += 1;
      for (const [prefix, { key }] of cache) if (key.environment.rowId === rowId) cache.delete(prefix);
    },
  };
}
