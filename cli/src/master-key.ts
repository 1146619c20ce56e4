import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { proofKeysOf } from '@openledger/server/custody/transfer-proof.ts';
import { addMasterKey, forgetPreviousKeys, readKeyring } from '@openledger/server/key-files.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { limits } from '@openledger/server/platform/limits.ts';
import { countProvenOtherwise } from '@openledger/server/resources/transfers/operator-queries.ts';
import { RotationNotFollowedError, rotate, rotationSteps } from '@openledger/server/sealing/rotate.ts';
import type { Command } from 'commander';
import { printError, printLine } from './print.ts';
import { type Store, type StoreSettings, withVault } from './store.ts';

/** Adds the commands of the master key. */
export function addMasterKeyCommands(program: Command): void {
  const masterKey = program.command('master-key').description('the key that everything is sealed under');
  masterKey
    .command('rotate')
    .description('seal everything under a new master key, or go on doing so; servers may run')
    .action(() => rotateCommand(program.opts()));
  masterKey
    .command('status')
    .description('count what is not sealed under the current master key')
    .action(() => withVault(program.opts(), statusCommand));
  masterKey
    .command('forget')
    .description('remove the previous keys from the key file, once nothing is sealed under them')
    .action(() => forgetCommand(program.opts()));
}

/**
 * Rotates the master key. Keys of the environment are used as they are; a key file first gets a new key, and servers get the
 * time to read it.
 */
async function rotateCommand(settings: StoreSettings): Promise<void> {
  const isFile = settings.masterKey === undefined;
  // Opened before a key is added, to check that the current key belongs to the data.
  await withVault(settings, async () => undefined);
  if (isFile && (await addMasterKey(resolve(settings.dataDir), settings))) {
    printError('A new master key was added to the key file.');
  }
  if (isFile) await sleep(2 * limits.keyringRereadMs);
  await withVault(settings, async (store) => {
    const counts = new Map<string, number>();
    let shownAtMs = Date.now();
    const show = (name: string): void => {
      printError(`${name}: ${counts.get(name)} sealed anew`);
    };
    let last = '';
    const total = await run(store, (name, count) => {
      if (last !== '' && last !== name) show(last);
      last = name;
      counts.set(name, (counts.get(name) ?? 0) + count);
      if (Date.now() - shownAtMs < limits.rotationProgressMs) return;
      shownAtMs = Date.now();
      show(name);
    });
    if (last !== '') show(last);
    const left = await leftOf(store);
    if (left.length > 0) throw leftFault(left);
    printLine(
      `${total} values were sealed anew; all are sealed under the master key ${store.vault.currentKeyId()}.`,
    );
    printError(
      isFile
        ? 'Links and forms of before hold until `openledger master-key forget` removes the previous key.'
        : 'Links and forms of before hold until OPENLEDGER_PREVIOUS_MASTER_KEYS is taken away.',
    );
  });
}

async function run({ pool, vault }: Store, onRows: (name: string, count: number) => void): Promise<number> {
  try {
    return await rotate(pool, rotationSteps({ pool, vault }), onRows);
  } catch (error) {
    if (!(error instanceof RotationNotFollowedError)) throw error;
    throw new ConfigError(`${error.message} Give the new key to every server, then rotate again.`);
  }
}

/** The number of unrotated values of each column. */
async function leftOf({ pool, vault }: Store): Promise<[name: string, count: number][]> {
  const left: [string, number][] = [];
  for (const step of rotationSteps({ pool, vault })) left.push([step.name, await step.count()]);
  return left.filter(([, count]) => count > 0);
}

/** A rotation skips rows that are not authentic, so that it never makes a forged row authentic. */
function leftFault(left: readonly [name: string, count: number][]): ConfigError {
  return new ConfigError(
    `Values of ${namesOf(left)} were left under a previous key, because they do not open or their rows are not authentic. ` +
      '`openledger verify` names such rows: see "Forged rows" in SECURITY.md, then rotate again.',
  );
}

function namesOf(left: readonly [name: string, count: number][]): string {
  return left.map(([name, count]) => `${name} (${count})`).join(', ');
}

async function statusCommand(store: Store): Promise<void> {
  const left = await leftOf(store);
  printLine(`master key ${store.vault.currentKeyId()}`);
  for (const [name, count] of left) printLine(`${name}: ${count} not sealed under it`);
  if (left.length === 0) printLine('Everything is sealed under it.');
  else process.exitCode = 1;
}

/** A signer refuses proofs whose key it no longer has. */
async function requireProofsOfNow({ pool }: Store, settings: StoreSettings): Promise<void> {
  const [key] = proofKeysOf(await readKeyring(resolve(settings.dataDir), settings));
  const count = await countProvenOtherwise(pool, key.id);
  if (count === 0) return;
  throw new ConfigError(
    `Transfers that are under way (${count}) are proven with a previous key: wait until they are paid, or prove them ` +
      'again with `openledger transfers prove`.',
  );
}

async function forgetCommand(settings: StoreSettings): Promise<void> {
  if (settings.masterKey !== undefined) {
    throw new ConfigError(
      'The master key is a setting here: take OPENLEDGER_PREVIOUS_MASTER_KEYS away from every server instead.',
    );
  }
  await withVault(settings, async (store) => {
    const left = await leftOf(store);
    if (left.length > 0) {
      throw new ConfigError(
        `Values of ${namesOf(left)} are sealed under a previous key; run \`openledger master-key rotate\` first.`,
      );
    }
    await requireProofsOfNow(store, settings);
    await forgetPreviousKeys(resolve(settings.dataDir), settings);
    printLine('The previous master keys were removed from the key file.');
  });
}
