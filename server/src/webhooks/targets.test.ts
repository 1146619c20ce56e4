import { describe, expect, it } from 'vitest';
import { checkWebhookUrl, isForbiddenAddress } from './targets.ts';

const strict = { allowHttp: false, allowLoopback: false };
const loose = { allowHttp: true, allowLoopback: true };

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '::7f00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b:1::1',
    '4000::1',
    '192.88.99.1',
    '2606:4700:4700::1111%eth0',
    '::1%lo',
    'not an address',
    '',
  ])('%s is refused', (address) => {
    expect(isForbiddenAddress(address, strict)).toBe(true);
  });

  it.each([
    '8.8.8.8',
    '200.1.1.1',
    '172.15.255.255',
    '100.63.255.255',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => {
    expect(isForbiddenAddress(address, strict)).toBe(false);
  });

  it('may be loopback when that is allowed, and nothing else that is not public', () => {
    for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) {
      expect(isForbiddenAddress(address, loose)).toBe(false);
    }
    for (const address of ['0.0.0.0', '10.0.0.1', '169.254.169.254', '::', 'fe80::1', '::ffff:10.0.0.1']) {
      expect(isForbiddenAddress(address, loose)).toBe(true);
    }
  });
});

describe('a URL', () => {
  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://127.1/',
    'https://0/',
    'https://017700000001/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::1]/',
    'https://[::]/',
    'https://localhost/',
    'https://a.localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://localhost../',
    'https://127.0.0.1../',
    'https:///127.0.0.1/',
    'https://0x7f.0.0.1./',
    'https://169.254.169.254/latest/meta-data',
    'https://１２７.0.0.1/',
    'https://10.1/',
    'https://192.168.1.1:8443/',
    'https://[fd00::1]/',
  ])('to %s is refused', (url) => {
    expect(checkWebhookUrl(url, strict).ok).toBe(false);
  });

  it.each([
    '',
    'example.com',
    'ftp://example.com/',
    'http://example.com/',
    'https://user:pass@example.com/',
    'https://user@example.com/',
    'https://example.com/#x',
    'https://example.com/#',
    ' https://example.com/',
    'https://exam\nple.com/',
    'https:\\\\example.com/',
    'https://',
    'https://256.256.256.256/',
    'https://example.com:0/',
    'javascript:alert(1)',
    `https://example.com/${'x'.repeat(3000)}`,
  ])('such as %s is refused', (url) => {
    expect(checkWebhookUrl(url, strict).ok).toBe(false);
  });

  it('may be plain http and loopback in the sandbox', () => {
    for (const url of [
      'http://127.0.0.1:3000/hooks',
      'http://localhost:3000',
      'http://[::1]:80/',
      'https://example.com',
    ]) {
      expect(checkWebhookUrl(url, loose).ok).toBe(true);
    }
    expect(checkWebhookUrl('https://example.com/hooks?a=b', strict).ok).toBe(true);
    for (const url of ['http://169.254.169.254/', 'http://10.0.0.1/', 'http://0/']) {
      expect(checkWebhookUrl(url, loose).ok).toBe(false);
    }
  });
});
