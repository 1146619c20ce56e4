import { describe, expect, it } from 'vitest';
import { xaesKey, xaesOpen, xaesSeal } from './xaes.ts';

/** The test vectors of https://c2sp.org/XAES-256-GCM: one for each value of the top bit that makes the mask. */
const vectors = [
  { byte: 1, aad: '', sealed: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271' },
  {
    byte: 3,
    aad: 'c2sp.org/XAES-256-GCM',
    sealed: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  },
];

describe('XAES-256-GCM', () => {
  const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
  const content = Buffer.from('XAES-256-GCM');

  it.each(vectors)(
    'seals as the published vector for key byte $byte, and opens it',
    ({ aad, byte, sealed }) => {
      const key = xaesKey(Buffer.alloc(32, byte));
      expect(xaesSeal(key, nonce, content, Buffer.from(aad)).toString('hex')).toBe(sealed);
      expect(xaesOpen(key, nonce, Buffer.from(sealed, 'hex'), Buffer.from(aad))).toEqual(content);
    },
  );

  it('opens nothing that was changed in any byte, nor under another nonce or other data', () => {
    const key = xaesKey(Buffer.alloc(32, 5));
    const sealed = xaesSeal(key, nonce, content, Buffer.from('here'));
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => xaesOpen(key, nonce, changed, Buffer.from('here'))).toThrow();
    }
    for (let index = 0; index < nonce.length; index += 1) {
      const other = Buffer.from(nonce);
      other[index] = (other[index] ?? 0) ^ 1;
      expect(() => xaesOpen(key, other, sealed, Buffer.from('here'))).toThrow();
    }
    expect(() => xaesOpen(key, nonce, sealed, Buffer.from('there'))).toThrow();
    expect(() => xaesOpen(key, nonce, sealed.subarray(0, 8), Buffer.from('here'))).toThrow(/short/);
  });
});
