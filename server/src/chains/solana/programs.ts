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

/** Programs, loaders and native accounts that no key belongs to (Agave, `solana_sdk_ids`; SPL), besides `programs`. */
const systemAccounts: ReadonlySet<string> = new Set([
  ...Object.values(programs),
  'AddressLookupTab1e1111111111111111111111111',
  'BPFLoader1111111111111111111111111111111111',
  'BPFLoader2111111111111111111111111111111111',
  'BPFLoaderUpgradeab1e11111111111111111111111',
  'Config1111111111111111111111111111111111111',
  'Ed25519SigVerify111111111111111111111111111',
  'Feature111111111111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'LoaderV411111111111111111111111111111111111',
  'Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo',
  'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr',
  'NativeLoader1111111111111111111111111111111',
  'Secp256r1SigVerify1111111111111111111111111',
  'Stake11111111111111111111111111111111111111',
  'StakeConfig11111111111111111111111111111111',
  'Vote111111111111111111111111111111111111111',
]);

/** Whether an address is a program, a sysvar, or another account of the runtime. */
export function isSystemAccount(address: string): boolean {
  return systemAccounts.has(address) || /^Sysvar\w*1{3}$/.test(address);
}

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
