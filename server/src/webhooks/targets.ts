import { BlockList, isIP } from 'node:net';
import { limits } from '../platform/limits.ts';

/** The targets that webhooks may have. */
export interface TargetPolicy {
  /** Allows http as well as https. */
  readonly allowHttp: boolean;
  /** Allows 127.0.0.0/8 and ::1. */
  readonly allowLoopback: boolean;
}

export type CheckedTarget = { readonly ok: true } | { readonly ok: false; readonly fault: string };

/** Ranges that are not the public internet (IANA special-purpose address registries, RFC 6890). */
const forbidden4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/**
 * Global unicast addresses are 2000::/3 (RFC 4291 §2.4, IANA); the first three lines are everything else: NAT64,
 * IPv4-translated, unique local, link-local, site-local, multicast and what is not assigned.
 */
const forbidden6: readonly [string, number][] = [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

// One list for each family: a BlockList applies IPv6 ranges to mapped IPv4 addresses, which are all in ::/3.
const forbidden = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, prefix] of forbidden4) forbidden.ipv4.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of forbidden6) forbidden.ipv6.addSubnet(network, prefix, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Whether deliveries must not go to an address.
 *
 * @param address an IPv4 or IPv6 address in the usual notation; anything else is forbidden
 */
export function isForbiddenAddress(address: string, policy: TargetPolicy): boolean {
  const version = isIP(address);
  // A zone (`fe80::1%eth0`) ties an address to a link of this machine.
  if (version === 0 || address.includes('%')) return true;
  const mapped = version === 6 ? mappedIpv4(address) : undefined;
  if (mapped !== undefined) return isForbiddenAddress(mapped, policy);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (loopback.check(address, family)) return !policy.allowLoopback;
  return forbidden[family].check(address, family);
}

/** The IPv4 address inside an IPv4-mapped IPv6 one (RFC 4291 §2.5.5.2). */
function mappedIpv4(address: string): string | undefined {
  // The URL parser writes every IPv6 address in its shortest hexadecimal form.
  const host = URL.canParse(`http://[${address}]/`)
    ? new URL(`http://[${address}]/`).hostname.slice(1, -1)
    : '';
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (!match) return undefined;
  const [high, low] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * Checks a webhook's URL when it is given. What its name resolves to is checked again on every connection.
 */
export function checkWebhookUrl(text: string, policy: TargetPolicy): CheckedTarget {
  const fault = faultOf(text, policy);
  return fault === undefined ? { ok: true } : { ok: false, fault };
}

function faultOf(text: string, policy: TargetPolicy): string | undefined {
  if (text.length > limits.urlLength) return `It must be at most ${limits.urlLength} characters long.`;
  // The URL parser drops some of these silently, so that the stored URL would differ from the called one.
  if (/[\s\p{Cc}\\]/u.test(text)) return 'It must not contain spaces, control characters or backslashes.';
  if (!URL.canParse(text)) return 'It must be a URL, such as https://example.com/hooks.';
  const url = new URL(text);
  const protocols = policy.allowHttp ? ['https:', 'http:'] : ['https:'];
  if (!protocols.includes(url.protocol)) {
    return policy.allowHttp ? 'It must start with https:// or http://.' : 'It must start with https://.';
  }
  if (url.username !== '' || url.password !== '') return 'It must not contain a user name or password.';
  if (text.includes('#')) return 'It must not have a fragment (#…).';
  if (url.port === '0') return 'It must not have the port 0.';
  return hostFault(url.hostname, policy);
}

/** The URL parser has brought every notation of an IPv4 address (decimal, hex, octal, short) into the usual one. */
function hostFault(hostname: string, policy: TargetPolicy): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  const isLocalName = host === 'localhost' || host.endsWith('.localhost');
  const isForbidden =
    isIP(host) === 0 ? isLocalName && !policy.allowLoopback : isForbiddenAddress(host, policy);
  return isForbidden ? 'It must be a public address.' : undefined;
}
