import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import { ApiError, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

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
  /** Whether this very key was valid when it was last looked up, however long ago. */
  wasValid(key: PresentedKey): boolean;
  /** Looks the key up. @returns undefined when it is not valid */
  check(key: PresentedKey): Promise<Caller | undefined>;
  /** Looks every key up anew, because what they open has changed. */
  forget(): void;
}

/**
 * @param findKey finds a key that is not revoked by its prefix
 */
export function createAuthenticator(
  clock: Clock,
  findKey: (prefix: string) => Promise<StoredKey | undefined>,
): Authenticator {
  const cache = new Map<string, { readonly key: StoredKey; readonly untilMs: number }>();
  const noHash = Buffer.alloc(32);

  const matches = (presented: PresentedKey, stored: StoredKey | undefined): boolean => {
    // An unknown prefix takes as long as a wrong secret.
    const same = timingSafeEqual(hashSecret(presented.secret), stored?.secretHash ?? noHash);
    return same && stored !== undefined && stored.environment.kind === presented.env;
  };

  return {
    known(presented) {
      const cached = cache.get(presented.prefix);
      if (!cached || cached.untilMs <= clock.now()) return undefined;
      return matches(presented, cached.key) ? cached.key : undefined;
    },
    forget: () => cache.clear(),
    wasValid: (presented) => matches(presented, cache.get(presented.prefix)?.key),
    async check(presented) {
      const stored = await findKey(presented.prefix);
      if (!stored) cache.delete(presented.prefix);
      if (!matches(presented, stored) || !stored) return undefined;
      if (cache.size >= limits.apiKeyCacheEntries) cache.clear();
      cache.set(presented.prefix, { key: stored, untilMs: clock.now() + limits.apiKeyCacheMs });
      return stored;
    },
  };
}
