import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeyring } from './keyring.ts';
import { limits } from './limits.ts';
import {
  createVault,
  ErasedError,
  erasedValue,
  isSealed,
  newKeySalt,
  newMasterKey,
  parseMasterKey,
  parseMasterKeys,
  sealedCustomer,
} from './seal.ts';

function unlessThrown(work: () => string): string | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

describe('the vault', () => {
  const vault = createVault(randomBytes(32));

  it('opens what it sealed, and seals the same text differently each time', () => {
    const sealed = vault.seal('Ada Lovelace', 'customers:1');
    expect(vault.open(sealed, 'customers:1')).toBe('Ada Lovelace');
    expect(vault.seal('Ada Lovelace', 'customers:1')).not.toBe(sealed);
    expect(isSealed(sealed)).toBe(true);
    expect(sealed).not.toContain('Ada');
  });

  /** Sealed by the release before, under 32 bytes of 7. */
  const first = 'sealed.v1.xMpYxqdocnCHLmwiQUokYSlxw9On16mP2FsEmOqXogBPhnWIItTSgw==';

  it('opens what was sealed before there were scopes, under any of its keys', () => {
    const old = Buffer.alloc(32, 7);
    for (const keys of [[old], [randomBytes(32), old]])
      expect(createVault(createKeyring(keys)).open(first, 'customers.personal:1')).toBe('Ada Lovelace');
    expect(() => createVault(randomBytes(32)).open(first, 'customers.personal:1')).toThrow();
    expect(() => createVault(old).open(first, 'customers.personal:2')).toThrow();
  });

  const ada = { id: 'cus_ada', environment_id: 'env_1', key_salt: newKeySalt() };
  const ben = { ...ada, id: 'cus_ben', key_salt: newKeySalt() };

  it('keeps scopes apart: what is moved into another one does not open', () => {
    const scopes = [
      vault,
      vault.inEnvironment('env_1'),
      vault.inEnvironment('env_2'),
      vault.forCustomer(ada),
      vault.forCustomer(ben),
    ];
    const both = vault.withSalts({
      saltOf: (id) => [ada, ben].find((one) => one.id === id)?.key_salt,
      load: async () => undefined,
    });
    const names = ['-', 'env_1', 'env_2', 'cus_ada', 'cus_ben'];
    for (const [at, scope] of scopes.entries()) {
      const sealed = scope.seal('secret', 'table.column:1');
      expect(sealed).toMatch(new RegExp(`^sealed\\.v2\\.${vault.currentKeyId()}\\.${names[at]}\\.[\\w-]+$`));
      expect(both.open(sealed, 'table.column:1')).toBe('secret');
      for (const other of names) {
        if (other === names[at]) continue;
        const moved = sealed.replace(`.${names[at]}.`, `.${other}.`);
        expect(() => both.open(moved, 'table.column:1'), `${names[at]} as ${other}`).toThrow();
      }
    }
  });

  it("opens what is a customer's only with their salt, and says when it was destroyed", () => {
    const sealed = vault.forCustomer(ada).seal('secret', 'here');
    expect(() => vault.open(sealed, 'here')).toThrow(/not loaded/);
    expect(() => vault.forCustomer(ben).open(sealed, 'here')).toThrow(/not loaded/);
    expect(() => vault.forCustomer({ ...ada, key_salt: newKeySalt() }).open(sealed, 'here')).toThrow(
      /authenticate/,
    );
    expect(() => vault.forCustomer({ ...ada, key_salt: null }).open(sealed, 'here')).toThrow(ErasedError);
    expect(() => vault.open(erasedValue, 'here')).toThrow(ErasedError);
    expect(
      sealedCustomer(vault.forCustomer({ ...ada, key_salt: null }).seal('more', 'here')),
    ).toBeUndefined();
  });

  it('seals with the current key, and opens and verifies with the ones before', () => {
    const [old, now] = [randomBytes(32), randomBytes(32)];
    const before = createVault(old);
    const both = createVault(createKeyring([now, old]));
    const sealed = before.seal('secret', 'here');
    const mac = before.mac(['a'], 'row');
    const code = before.sign('text', 'here');
    expect(both.open(sealed, 'here')).toBe('secret');
    expect(both.isAuthentic(mac, ['a'], 'row')).toBe(true);
    expect(both.isAuthentic(mac, ['b'], 'row')).toBe(false);
    expect(both.isSigned(code, 'text', 'here')).toBe(true);
    expect(both.isSigned(code, 'other', 'here')).toBe(false);
    expect(both.fingerprints('a', 'x')).toEqual([both.fingerprint('a', 'x'), before.fingerprint('a', 'x')]);
    const after = createVault(now);
    expect(after.open(both.seal('new', 'here'), 'here')).toBe('new');
    expect(after.isAuthentic(both.mac(['a'], 'row'), ['a'], 'row')).toBe(true);
    expect(() => after.open(sealed, 'here')).toThrow(/does not have/);
    expect(after.isAuthentic(mac, ['a'], 'row')).toBe(false);
    expect(after.isSigned(code, 'text', 'here')).toBe(false);
  });

  it('reads its keys again when it meets one that it does not know', async () => {
    const [old, now] = [randomBytes(32), randomBytes(32)];
    let keys: Uint8Array[] = [old];
    const follower = createVault(createKeyring([old], () => keys));
    const sealed = createVault(now).seal('secret', 'here');
    expect(() => follower.open(sealed, 'here')).toThrow(/does not have/);
    keys = [now, old];
    await expect
      .poll(() => unlessThrown(() => follower.open(sealed, 'here')), { timeout: 5000 })
      .toBe('secret');
    await expect.poll(() => follower.currentKeyId(), { timeout: 5000 }).toBe(createVault(now).currentKeyId());
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

  it('distinguishes right codes from wrong ones, also when more were verified than are cached', () => {
    const count = limits.verifiedCodes + 10;
    const macs = Array.from({ length: count }, (_, index) => vault.mac([index], 'row'));
    for (let round = 0; round < 2; round += 1) {
      expect(macs.filter((mac, index) => !vault.isAuthentic(mac, [index], 'row'))).toEqual([]);
      expect(macs.filter((mac, index) => vault.isAuthentic(mac, [index + 1], 'row'))).toEqual([]);
    }
    const long = 'x'.repeat(limits.verifiedCodeChars + 1);
    expect(vault.isAuthentic(vault.mac([long], 'row'), [long], 'row')).toBe(true);
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
    expect(parseMasterKeys(`${key}\n${newMasterKey()}\n`)).toHaveLength(2);
    expect(parseMasterKeys(`${key},${key.slice(1)}`)).toBeUndefined();
    expect(parseMasterKeys(' \n')).toBeUndefined();
    expect(() => createVault(randomBytes(16))).toThrow(RangeError);
  });
});
