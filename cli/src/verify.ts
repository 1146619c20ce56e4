import { chainFamily, chains } from '@openledger/server/chains/registry.ts';
import { createDeriver } from '@openledger/server/custody/derivation.ts';
import { connectSigner } from '@openledger/server/custody/remote-signer.ts';
import { seedFromWords } from '@openledger/server/custody/seed.ts';
import { readStoredSeed } from '@openledger/server/custody/seed-store.ts';
import { verifyLedger } from '@openledger/server/ledger/verify.ts';
import type { AddressSource } from '@openledger/server/ledger/verify-addresses.ts';
import { printError, printJson } from './print.ts';
import type { Store } from './store.ts';

export interface VerifyOptions {
  readonly signerSocket?: string;
}

/** Verifies the books of the deployment and prints the result. The exit code is 1 if there is a problem. */
export async function verifyCommand(store: Store, { signerSocket }: VerifyOptions): Promise<void> {
  const source = await openAddresses(store, signerSocket);
  if (!source) {
    printError(
      'The deposit addresses are not compared with the seed, which a signer of its own keeps: give --signer-socket.',
    );
  }
  try {
    const addresses = source && { at: source.at, most: Number.MAX_SAFE_INTEGER };
    const found = await verifyLedger(store.pool, undefined, addresses);
    printJson(found);
    if (!found.ok) process.exitCode = 1;
  } finally {
    source?.close();
  }
}

/** The addresses of the seed, in the database or at a separate signer. */
async function openAddresses(
  { pool, vault }: Store,
  socket: string | undefined,
): Promise<{ at: AddressSource; close(): void } | undefined> {
  if (socket !== undefined) {
    const signer = connectSigner(socket);
    return { at: (index) => signer.depositAddresses(index), close: () => signer.close() };
  }
  const stored = await readStoredSeed(pool, vault);
  // Without a seed there are no addresses.
  if (!stored) return { at: async () => [], close: () => undefined };
  if (!('words' in stored)) return undefined;
  const seed = seedFromWords(stored.words);
  const deriver = createDeriver(seed);
  seed.fill(0);
  const at: AddressSource = async (index) =>
    chains.map((chain) => ({ chain, address: deriver.address(chainFamily(chain), index) }));
  return { at, close: () => undefined };
}
