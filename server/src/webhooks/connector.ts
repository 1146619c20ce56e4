import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { Agent, buildConnector } from 'undici';
import { limits } from '../platform/limits.ts';
import { isForbiddenAddress, type TargetPolicy } from './targets.ts';

/** A connection was refused because deliveries must not reach its address. */
export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
}

/** Resolves a host name to all of its addresses. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const systemLookup = promisify(dnsLookup);
const systemResolve: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * Concurrent connections to one name share a lookup: the system runs few of them concurrently, and a name that is slow to
 * resolve must not occupy all of them. Results are not cached.
 */
function sharingLookups(resolve: Resolve): Resolve {
  const running = new Map<string, ReturnType<Resolve>>();
  return (hostname) => {
    const before = running.get(hostname);
    if (before) return before;
    const lookup = resolve(hostname).finally(() => running.delete(hostname));
    running.set(hostname, lookup);
    return lookup;
  };
}

/**
 * Creates the HTTP agent for deliveries. It checks the addresses of every connection just before it is made, and connects to
 * the checked address, so that a name that resolves differently the next time (DNS rebinding) has no effect. It also checks
 * IP literals, for which undici calls no `lookup`.
 *
 * @param resolve resolves names; the system's resolver if left out
 */
export function createDeliveryAgent(policy: TargetPolicy, resolve: Resolve = systemResolve): Agent {
  const connect = buildConnector({ timeout: limits.connectTimeoutMs });
  const lookUp = sharingLookups(resolve);
  const guarded: buildConnector.connector = (options, callback) => {
    chooseAddress(options.hostname, policy, lookUp)
      .then((address) => {
        const servername =
          options.servername ?? (isIP(options.hostname) === 0 ? options.hostname : undefined);
        connect({ ...options, hostname: address, ...(servername ? { servername } : {}) }, callback);
      })
      // Last, so that a synchronous error of `connect` fails the delivery and not the process.
      .catch((error: Error) => callback(error, null));
  };
  return new Agent({
    connect: guarded,
    connections: limits.deliveryConnectionsPerOrigin,
    keepAliveTimeout: 10_000,
    pipelining: 1,
  });
}

async function chooseAddress(hostname: string, policy: TargetPolicy, resolve: Resolve): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? (await resolve(host)).map(({ address }) => address) : [host];
  const [first] = addresses;
  if (first === undefined || addresses.some((address) => isForbiddenAddress(address, policy))) {
    throw new ForbiddenTargetError('The target leads to an address that is not public');
  }
  return first;
}
