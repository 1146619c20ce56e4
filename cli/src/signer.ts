import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parsePolicy } from '@openledger/server/custody/policy-file.ts';
import { seedFromWords } from '@openledger/server/custody/seed.ts';
import { openSeedFile } from '@openledger/server/custody/seed-file.ts';
import { createLocalSigner } from '@openledger/server/custody/signer.ts';
import { serveSigner } from '@openledger/server/custody/signer-server.ts';
import { openSpendFile } from '@openledger/server/custody/spend-file.ts';
import { readProofKeys } from '@openledger/server/custody/transfer-proof.ts';
import { claimDataDir } from '@openledger/server/embedded-postgres/owner.ts';
import { systemClock } from '@openledger/server/platform/clock.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { createLogger } from '@openledger/server/platform/logger.ts';
import { type Command, Option } from 'commander';
import { passphraseOption, readPassphrase, readText } from './passphrase.ts';
import { printLine } from './print.ts';

interface SignerOptions {
  readonly socket: string;
  readonly socketMode: '600' | '660';
  readonly seedFile: string;
  readonly policy: string;
  readonly stateDir: string;
  readonly proofKeyFile: string;
  readonly passphraseFile?: string;
}

/** Marks the process that holds the keys, whose core limit is zero. */
const childMark = 'OPENLEDGER_SIGNER_WITHOUT_CORES';

/** Adds `openledger signer`. */
export function addSignerCommand(program: Command): void {
  program
    .command('signer')
    .description(
      'run the signer as a separate process, which alone has the seed and signs what its policy allows',
    )
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
    .action((options: SignerOptions) =>
      process.env[childMark] === undefined ? runWithoutCores() : runSigner(options, program.opts().logLevel),
    );
}

/**
 * Runs this command in a child process without core dumps. Node cannot set its own resource limits; a shell can. Forwards signals, and exits
 * with the child's code.
 */
async function runWithoutCores(): Promise<void> {
  refuseInspector();
  const args = ['-c', 'ulimit -c 0 && exec "$0" "$@"', process.execPath, ...process.argv.slice(1)];
  const child = spawn('/bin/sh', args, { stdio: 'inherit', env: { ...process.env, [childMark]: '1' } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

/** A debugger, a report or a heap snapshot would expose the keys. */
function refuseInspector(): void {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (/--(inspect|heapsnapshot|heap-prof|report|diagnostic-dir)/.test(options)) {
    throw new ConfigError(
      'NODE_OPTIONS: must not enable a debugger, reports or heap snapshots for the signer.',
    );
  }
}

async function runSigner(options: SignerOptions, logLevel: string): Promise<void> {
  refuseInspector();
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
    const book = await openSpendFile(join(stateDir, 'signed.jsonl'), systemClock);
    closers.push(() => book.close());
    const seed = seedFromWords(words);
    const signer = createLocalSigner(seed, { policy, book, clock: systemClock, proofKeys: () => proofKeys });
    seed.fill(0);
    const mode = Number.parseInt(options.socketMode, 8);
    closers.push(await serveSigner(signer, resolve(options.socket), mode, logger));
    printLine(JSON.stringify({ ready: true, socket: resolve(options.socket) }));
    await untilSignal();
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function untilSignal(): Promise<void> {
  return new Promise((end) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end());
  });
}
