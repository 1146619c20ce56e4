import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base58 } from '@scure/base';

/** The programs that a token transfer calls. */
export const programs = {
  computeBudget: 'ComputeBudget111111111111111111111111111111',
  associatedToken: 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL',
  system: '11111111111111111111111111111111',
  token: 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
  token2022: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
} as const;

/** The program that owns a token's accounts. */
export type TokenProgram = typeof programs.token | typeof programs.token2022;

/**
 * Derives the associated token account of an owner (SPL Associated Token Account: the program address of owner, token program
 * and mint).
 *
 * @param owner any address, including one without a private key
 */
export function tokenAccountOf(owner: string, mint: string, program: TokenProgram): string {
  const seeds = [owner, program, mint].map((address) => base58.decode(address));
  for (let bump = 255; bump >= 0; bump -= 1) {
    const address = sha256(
      Buffer.concat([
        ...seeds,
        Uint8Array.of(bump),
        base58.decode(programs.associatedToken),
        Buffer.from('ProgramDerivedAddress'),
      ]),
    );
    if (!isOnCurve(address)) return base58.encode(address);
  }
  throw new Error('There is no program address for these seeds');
}

/** A program address is not a point on the curve, so no private key belongs to it. */
function isOnCurve(address: Uint8Array): boolean {
  try {
    // ZIP 215 rules, which Solana's own check uses.
    ed25519.Point.fromBytes(address, true);
    return true;
  } catch {
    return false;
  }
}
