import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import { ApiError, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { createPrefixLookUp } from './prefix-look-up.ts';

/** Who makes a request: an API key, and the environment that it opens. */
export interface Caller {
  readonly keyId: string;
  /** What the key's organisation may do: `writes/reads` a second, `off`, or null for the server's own setting. */
  readonly rateLimit: string | null;
  readonly environment: {
    /** What its data lies under: another id after each reset of a sandbox. */
    readonly id: string;
    /** What never changes: the id of the environment's own row. */
    readonly rowId: string;
    readonly kind: 'test' | 'live';
    readonly organisationId: string;
  };
}

/** A key as the store knows it. */
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
 * Takes the API key out of the headers `Authorization: Bearer <key>` or `X-API-Key: <key>`.
 *
 * @throws ApiError 401 when there is none, when two differ, or when its form is wrong
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
    throw new ApiError(unauthorized('two_api_keys', 'Authorization and X-API-Key carry different keys.'));
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

/** The hash under which a secret is stored. It is random and long, so a plain hash is enough. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer') as Buffer;
}

/** Tells whom a key belongs to. */
export interface Authenticator {
  /** Whom a key that was checked a moment ago belongs to; looks nothing up. */
  known(key: PresentedKey): Caller | undefined;
  /**
   * Checks the key by what the store said of its prefix a moment ago, or says now.
   *
   * @returns undefined when the key is not valid
   * @throws ApiError 429 when too many unknown prefixes are being looked up
   */
  check(key: PresentedKey): Promise<Caller | undefined>;
  /** Looks the key up whatever is cached. @returns undefined when it is not valid any more */
  recheck(key: PresentedKey): Promise<Caller | undefined>;
  /** Looks every key of one environment up anew, because what they open has changed. @param rowId the environment's */
  forget(rowId: string): void;
}

/** Finds keys that are not revoked by their prefixes. */
export type FindKeys = (prefixes: readonly string[]) => Promise<ReadonlyMap<string, StoredKey>>;

/**
 * Makes the authenticator of a process. What the store says of a prefix is cached for a moment, so that a key, right or
 * wrong, costs one look-up in that time. Only prefixes that are in the store get into the cache. All others share paced
 * look-ups, so that guessing costs the database a bounded number of statements.
 */
export function createAuthenticator(clock: Clock, findKeys: FindKeys): Authenticator {
  const cache = new Map<string, { readonly key: StoredKey; readonly untilMs: number }>();
  const lookUpNow = createPrefixLookUp(findKeys, 0);
  const lookUpPaced = createPrefixLookUp(findKeys, limits.prefixLookUpMs);
  const noHash = Buffer.alloc(32);
  let forgetCount = 0;

  const matches = (presented: PresentedKey, stored: StoredKey | undefined): boolean => {
    // Without a stored key too, so that both take the same time.
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
    // What was read before something was forgotten may be out of date.
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
