import { resolve } from 'node:path';
import { proofKeysOf, writeProofKeys } from '@openledger/server/custody/transfer-proof.ts';
import { readKeyring } from '@openledger/server/key-files.ts';
import type { Command } from 'commander';
import { printLine } from './print.ts';
import { writeNew } from './seed.ts';
import type { StoreSettings } from './store.ts';

/** Adds `openledger proof-key`. */
export function addProofKeyCommand(program: Command): void {
  program
    .command('proof-key')
    .description(
      'write the key with which a separate signer verifies proofs of transfers; it derives from the master key',
    )
    .argument('<file>', 'the file to write; an existing file is not overwritten')
    .action((path: string) => proofKeyCommand(program.opts(), path));
}

async function proofKeyCommand(settings: StoreSettings, path: string): Promise<void> {
  const keyring = await readKeyring(resolve(settings.dataDir), settings);
  await writeNew(path, writeProofKeys(proofKeysOf(keyring)));
  printLine(
    `${resolve(path)} contains the key. Allow only the signer's user to read it: together with the database it allows payments.`,
  );
}
