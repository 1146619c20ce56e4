import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { Agent, buildConnector } from 'undici';
import { limits } from '../platform/limits.ts';
import { isForbiddenAddress, type TargetPolicy } from './targets.ts';

/** A connection was refused because it would have led to an address that deliveries must not reach. */
export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
}

/** Resolves a name to all of its addresses. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const systemLookup = promisify(dnsLookup);
const systemResolve: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * Connections that wait for the same name at the same time share one lookup: the system makes few at once, and a name
 * that is slow to resolve must not take them all. Nothing is kept once it has been answered.
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
 * Makes the HTTP agent for deliveries. It judges every connection by the addresses that it would really use, just
 * before it is made, and connects to the very address that was judged: a name that resolves differently the next time
 * (DNS rebinding) gains nothing. IP literals are judged too, for which undici calls no `lookup`.
 *
 * @param resolve how names are resolved; the system's way when left out
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
      // Last, so that what `connect` throws at once fails the delivery too, and not the process.
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
