import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parsePolicy } from '@openledger/server/custody/policy-file.ts';
import { acceptRestoredRecord } from '@openledger/server/custody/record-file.ts';
import { recordKeyOf } from '@openledger/server/custody/record-lines.ts';
import { seedFromWords } from '@openledger/server/custody/seed.ts';
import { openSeedFile } from '@openledger/server/custody/seed-file.ts';
import { createLocalSigner } from '@openledger/server/custody/signer.ts';
import { serveSigner } from '@openledger/server/custody/signer-server.ts';
import { openSpendFile, recordIn } from '@openledger/server/custody/spend-file.ts';
import { readProofKeys } from '@openledger/server/custody/transfer-proof.ts';
import { claimDataDir } from '@openledger/server/embedded-postgres/owner.ts';
import { systemClock } from '@openledger/server/platform/clock.ts';
import { createLogger } from '@openledger/server/platform/logger.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { passphraseOption, readPassphrase, readText } from './passphrase.ts';
import { printLine } from './print.ts';
import { isKeyHolder, refuseExposure, runKeyHolder, whenParentEnds } from './signer-process.ts';
import { addSignerStatus } from './signer-status.ts';

interface SignerOptions {
  readonly socket: string;
  readonly socketMode: '600' | '660';
  readonly seedFile: string;
  readonly policy: string;
  readonly stateDir: string;
  readonly proofKeyFile: string;
  readonly passphraseFile?: string;
  readonly acceptRestoredRecord?: number;
  readonly allowCoreHandler: boolean;
}

/** Adds `openledger signer` and `openledger signer status`. */
export function addSignerCommand(program: Command): void {
  const group = program
    .command('signer')
    .description(
      'run the signer as a separate process, which alone has the seed and signs what its policy allows',
    );
  addSignerStatus(group);
  group
    .command('run', { isDefault: true })
    .description('run it; the default')
    .requiredOption('--socket <path>', 'the Unix socket to listen on')
    .addOption(
      new Option(
        '--socket-mode <mode>',
        'the file mode of the socket: 600 for its user, 660 also for its group',
      )
        .choices(['600', '660'])
        .default('600'),
    )
    .requiredOption('--seed-file <path>', 'the seed file, created by openledger seed create or backup')
    .requiredOption('--policy <path>', 'the signing policy, in JSON')
    .requiredOption(
      '--state-dir <path>',
      'the directory of its records of signed payments; no other process may write to it',
    )
    .requiredOption(
      '--proof-key-file <path>',
      'the proof key file, created by openledger proof-key; transfers without a valid proof are refused',
    )
    .addOption(passphraseOption())
    .option(
      '--accept-restored-record <entries>',
      'continue a record that was restored from an older copy, after the number of entries that the server has seen',
      parseEntries,
    )
    .option(
      '--allow-core-handler',
      'start although core dumps could be piped to a handler, which would contain the keys',
      false,
    )
    .action((options: SignerOptions) =>
      isKeyHolder() ? runSigner(options, program.opts().logLevel) : runKeyHolder(),
    );
}

function parseEntries(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a positive integer.');
}

async function runSigner(options: SignerOptions, logLevel: string): Promise<void> {
  const parentEnds = whenParentEnds();
  refuseExposure(options.allowCoreHandler);
  // Node starts its debugger on SIGUSR1 unless there is a listener.
  process.on('SIGUSR1', () => undefined);
  process.umask(0o077);
  const logger = createLogger(logLevel);
  const policy = parsePolicy(readText('--policy', options.policy));
  const proofKeys = readProofKeys(readText('--proof-key-file', options.proofKeyFile));
  const words = openSeedFile(
    readText('--seed-file', options.seedFile),
    readPassphrase(options.passphraseFile),
  );
  const stateDir = resolve(options.stateDir);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const release = await claimDataDir(stateDir);
  const closers: (() => Promise<unknown>)[] = [release];
  try {
    const seed = seedFromWords(words);
    const key = recordKeyOf(seed);
    const { acceptRestoredRecord: entries } = options;
    if (entries !== undefined) await acceptRestoredRecord(recordIn(stateDir, key), entries, systemClock);
    const book = await openSpendFile(stateDir, key, systemClock);
    closers.push(() => book.close());
    const signer = createLocalSigner(seed, { policy, book, clock: systemClock, proofKeys: () => proofKeys });
    seed.fill(0);
    const mode = Number.parseInt(options.socketMode, 8);
    closers.push(await serveSigner(signer, resolve(options.socket), mode, logger));
    printLine(JSON.stringify({ ready: true, socket: resolve(options.socket) }));
    await Promise.race([untilSignal(), parentEnds]);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function untilSignal(): Promise<void> {
  return new Promise((end) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end());
  });
}
