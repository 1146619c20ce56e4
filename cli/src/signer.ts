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

/** Set for the process that holds the keys: its core limit is zero already. */
const childMark = 'OPENLEDGER_SIGNER_WITHOUT_CORES';

/** Adds `openledger signer`. */
export function addSignerCommand(program: Command): void {
  program
    .command('signer')
    .description(
      'run the signer as a process of its own: it alone has the seed, and signs what its policy allows',
    )
    .requiredOption('--socket <path>', 'the unix socket that it listens on')
    .addOption(
      new Option('--socket-mode <mode>', 'who may open the socket: its user, or its group too')
        .choices(['600', '660'])
        .default('600'),
    )
    .requiredOption('--seed-file <path>', 'the seed, made by openledger seed create or backup')
    .requiredOption('--policy <path>', 'what may be signed, in JSON')
    .requiredOption(
      '--state-dir <path>',
      'where it remembers what it has signed; no other process may write there',
    )
    .requiredOption(
      '--proof-key-file <path>',
      'the key that transfers are proven with, made by openledger proof-key; what is not proven is not paid',
    )
    .addOption(passphraseOption())
    .action((options: SignerOptions) =>
      process.env[childMark] === undefined ? runWithoutCores() : runSigner(options, program.opts().logLevel),
    );
}

/**
 * Starts this command again with no core dumps: Node cannot set its own limits, a shell can. Signals are passed on, and
 * the end of the one is the end of the other.
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

/** Whoever can attach a debugger can read the keys. */
function refuseInspector(): void {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (/--(inspect|heapsnapshot|heap-prof|report|diagnostic-dir)/.test(options)) {
    throw new ConfigError(
      'NODE_OPTIONS: the signer does not run with a debugger, reports or heap snapshots.',
    );
  }
}

async function runSigner(options: SignerOptions, logLevel: string): Promise<void> {
  refuseInspector();
  // Node starts its debugger on SIGUSR1, unless somebody listens for it.
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
