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
      "write the key that a signer apart checks transfers' proofs with; it comes from the master key",
    )
    .argument('<file>', 'the file that is written; overwrites none')
    .action((path: string) => proofKeyCommand(program.opts(), path));
}

async function proofKeyCommand(settings: StoreSettings, path: string): Promise<void> {
  const keyring = await readKeyring(resolve(settings.dataDir), settings);
  await writeNew(path, writeProofKeys(proofKeysOf(keyring)));
  printLine(
    `${resolve(path)} holds the key. Give it to the signer's user only: whoever has it and the database can direct payments.`,
  );
}
