import { BlockList, isIP } from 'node:net';

const addresses = new BlockList();
addresses.addSubnet('127.0.0.0', 8, 'ipv4');
addresses.addAddress('::1', 'ipv6');

/**
 * Whether a host is a loopback address (127.0.0.0/8, `::1`), `localhost` or a name under it (RFC 6761 §6.3). Other names
 * are not resolved.
 *
 * @param host a name or an address, also with the brackets of a URL
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  const version = isIP(name);
  if (version !== 0) return addresses.check(name, version === 4 ? 'ipv4' : 'ipv6');
  return name === 'localhost' || name.endsWith('.localhost');
}

/** Whether a URL is `https:`, or `http:` to a loopback host, so that nobody on the network can read or change the traffic. */
export function isPrivateUrl(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}
