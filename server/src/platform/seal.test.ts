import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createVault, isSealed, newMasterKey, parseMasterKey } from './seal.ts';

describe('the vault', () => {
  const vault = createVault(randomBytes(32));

  it('opens what it sealed, and seals the same text differently each time', () => {
    const sealed = vault.seal('Ada Lovelace', 'customers:1');
    expect(vault.open(sealed, 'customers:1')).toBe('Ada Lovelace');
    expect(vault.seal('Ada Lovelace', 'customers:1')).not.toBe(sealed);
    expect(isSealed(sealed)).toBe(true);
    expect(sealed).not.toContain('Ada');
  });

  it('refuses what was moved, changed, cut or sealed under another key', () => {
    const sealed = vault.seal('secret', 'here');
    const other = sealed[40] === 'A' ? 'B' : 'A';
    expect(() => vault.open(sealed, 'there')).toThrow();
    expect(() => vault.open(`${sealed.slice(0, 40)}${other}${sealed.slice(41)}`, 'here')).toThrow();
    expect(() => vault.open(sealed.slice(0, 20), 'here')).toThrow();
    expect(() => vault.open('plain', 'here')).toThrow();
    expect(() => createVault(randomBytes(32)).open(sealed, 'here')).toThrow();
  });

  it('authenticates fields in their row only, and keeps fields apart', () => {
    const mac = vault.mac(['a', 12n, null], 'api_keys:1');
    expect(vault.isAuthentic(mac, ['a', 12n, null], 'api_keys:1')).toBe(true);
    const others = [
      ['a', 12n, ''],
      ['a1', 2n, null],
      ['a', null, 12n],
      ['a', 12n],
      ['b', 12n, null],
    ];
    for (const fields of others) expect(vault.isAuthentic(mac, fields, 'api_keys:1')).toBe(false);
    expect(vault.isAuthentic(mac, ['a', 12n, null], 'api_keys:2')).toBe(false);
    expect(vault.isAuthentic(null, ['a', 12n, null], 'api_keys:1')).toBe(false);
    expect(createVault(randomBytes(32)).isAuthentic(mac, ['a', 12n, null], 'api_keys:1')).toBe(false);
  });

  it('seals bytes as they are', () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 0xc3]);
    expect(vault.openBytes(vault.seal(bytes, 'here'), 'here')).toEqual(bytes);
    expect(() => vault.openBytes(vault.seal(bytes, 'here'), 'there')).toThrow();
  });

  it('signs equal texts equally, by purpose and by key', () => {
    const code = vault.sign('a', 'x');
    expect(code).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(vault.sign('a', 'x')).toBe(code);
    const others = [vault.sign('a', 'y'), vault.sign('b', 'x'), createVault(randomBytes(32)).sign('a', 'x')];
    expect(others).not.toContain(code);
  });

  it('fingerprints equal texts equally, by purpose', () => {
    expect(vault.fingerprint('a', 'x')).toBe(vault.fingerprint('a', 'x'));
    expect(vault.fingerprint('a', 'x')).not.toBe(vault.fingerprint('a', 'y'));
    expect(vault.fingerprint('a', 'x')).not.toBe(vault.fingerprint('b', 'x'));
  });

  it('reads a master key as hex or base64 of 32 bytes and nothing else', () => {
    const key = newMasterKey();
    expect(parseMasterKey(key)).toEqual(Buffer.from(key, 'hex'));
    expect(parseMasterKey(Buffer.from(key, 'hex').toString('base64'))).toEqual(Buffer.from(key, 'hex'));
    for (const wrong of ['', 'abc', key.slice(1), `${key}00`, 'z'.repeat(64)])
      expect(parseMasterKey(wrong)).toBeUndefined();
    expect(() => createVault(randomBytes(16))).toThrow(RangeError);
  });
});
