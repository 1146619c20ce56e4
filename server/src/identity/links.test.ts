import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVault } from '../platform/seal.ts';
import { linkToken, linkTokenUntil, linkUrl, readLinkToken } from './links.ts';

const vault = createVault(randomBytes(32));
const day = 24 * 60 * 60 * 1000;
const createdAtMs = Date.parse('2026-03-01T12:00:00.123Z');
const owner = {
  id: 'cus_01jhmbxq7ve2r8n5d0kz3c6tga',
  environment_id: 'env_01jhmbxq7ve2r8n5d0kz3c6tgb',
  created_at: new Date(createdAtMs).toISOString(),
  link_generation: 0,
};
const at = (ms: number) => ({ vault, nowMs: createdAtMs + ms });

describe('a link', () => {
  it('is a URL of its page, and says whose it is', () => {
    const url = linkUrl('kyc', owner, { ...at(0), publicUrl: 'https://pay.example/ledger' });
    const [base, token = ''] = url.split('/hosted/kyc/');
    expect(base).toBe('https://pay.example/ledger');
    expect(token).toMatch(/^[\w.-]+$/);
    expect(readLinkToken('kyc', token, vault)).toEqual({
      customerId: owner.id,
      environmentId: owner.environment_id,
      expiresAtMs: Math.floor((createdAtMs + 14 * day) / 1000) * 1000,
      generation: 0,
    });
  });

  it('is valid for 7 to 14 days whenever it is made, and is the same for 7', () => {
    fc.assert(
      fc.property(fc.integer({ min: -day, max: 3650 * day }), (ageMs) => {
        const token = linkToken('kyc', owner, at(ageMs));
        const leftMs = (readLinkToken('kyc', token, vault)?.expiresAtMs ?? 0) - (createdAtMs + ageMs);
        expect(leftMs).toBeGreaterThan(7 * day - 1000);
        expect(leftMs).toBeLessThanOrEqual(15 * day);
        const period = Math.max(0, Math.floor(ageMs / (7 * day)));
        expect(linkToken('kyc', owner, at(period * 7 * day))).toBe(token);
      }),
    );
  });

  it('says of which generation it is, and cannot be moved to another one', () => {
    for (const generation of [1, 35, 36, 2 ** 31 - 1]) {
      const token = linkToken('kyc', { ...owner, link_generation: generation }, at(0));
      expect(readLinkToken('kyc', token, vault)?.generation).toBe(generation);
      const [expiry, id, environment, , code] = token.split('.');
      for (const other of ['0', '2', '01', '']) {
        const moved = [expiry, id, environment, other, code].join('.');
        expect(readLinkToken('kyc', moved, vault), moved).toBeUndefined();
      }
      expect(readLinkToken('kyc', [expiry, id, environment, code].join('.'), vault)).toBeUndefined();
    }
  });

  it('that leads on from another one ends when that one does', () => {
    const expiresAtMs = createdAtMs + day;
    const token = linkTokenUntil('terms', owner, expiresAtMs, vault);
    expect(readLinkToken('terms', token, vault)?.expiresAtMs).toBe(Math.floor(expiresAtMs / 1000) * 1000);
    expect(readLinkToken('kyc', token, vault)).toBeUndefined();
  });

  it('is refused with any one character changed, or for another purpose', () => {
    const token = linkToken('terms', owner, at(0));
    expect(readLinkToken('terms', token, vault)).toBeDefined();
    expect(readLinkToken('kyc', token, vault)).toBeUndefined();
    expect(readLinkToken('terms', token, createVault(randomBytes(32)))).toBeUndefined();
    for (let index = 0; index < token.length; index += 1) {
      const other = token[index] === 'a' ? 'b' : 'a';
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      // The last character of the code holds two bits of padding: texts that differ there only are not ours either.
      expect(readLinkToken('terms', changed, vault), changed).toBeUndefined();
    }
  });

  it('is refused when it is anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(readLinkToken('kyc', text, vault)).toBeUndefined();
      }),
    );
  });
});
