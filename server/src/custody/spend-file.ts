import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import { afterSpend, decideSpend, type Payment, type SignedPayment, type SpendBook } from './policy.ts';

/** A line of the file: a payment after it was counted, and what that added to its day. */
interface Line {
  readonly at: string;
  readonly chain: string;
  readonly day: string;
  readonly reference: string;
  readonly intent: string;
  readonly nonce: string | null;
  readonly counted: Readonly<Record<string, string>>;
  readonly added: Readonly<Record<string, string>>;
}

/** The record of a separate signer, in a file. */
export interface SpendFile extends SpendBook {
  close(): Promise<void>;
}

/**
 * Opens the file, and creates it if it does not exist. Every payment is on disk before it is signed; a line that a crash truncated was
 * never signed, and is dropped. The caller ensures that only one process has the file open.
 *
 * @throws ConfigError if the file contains anything else
 */
export async function openSpendFile(path: string, clock: Clock): Promise<SpendFile> {
  const lines = (await readLines(path)).filter(({ at }) => isRemembered(at, clock));
  const known = new Map<string, SignedPayment>();
  const spent = new Map<string, bigint>();
  for (const line of lines) note(line, known, spent);
  await rewrite(path, lines);
  const file = await open(path, 'a', 0o600);
  let last: Promise<unknown> = Promise.resolve();
  let isBroken = false;

  const count = async (payment: Payment): Promise<void> => {
    if (isBroken) throw new Error('The spend file could not be written; restart the signer.');
    const before = known.get(payment.reference);
    const added = decideSpend(payment, before, (asset) => spent.get(dayKey(payment, asset)) ?? 0n);
    const after = afterSpend(payment, before, added);
    const { chain, day, intent, nonce, reference } = payment;
    const line: Line = {
      at: toIsoTime(clock.now()),
      chain,
      day,
      reference,
      intent,
      nonce,
      counted: texts(Object.entries(after.counted)),
      added: texts(added.map(({ amount, asset }) => [asset, amount])),
    };
    // Nothing may be written after a partial line.
    isBroken = true;
    await append(file, line);
    isBroken = false;
    note(line, known, spent);
  };
  return {
    count(payment) {
      // Sequentially, so that each payment sees what the previous one counted.
      const result = last.then(() => count(payment));
      last = result.catch(() => undefined);
      return result;
    },
    async close() {
      await last;
      await file.close();
    },
  };
}

function note(line: Line, known: Map<string, SignedPayment>, spent: Map<string, bigint>): void {
  const { intent, nonce } = line;
  known.set(line.reference, { intent, nonce, counted: amounts(line.counted) });
  for (const [asset, amount] of Object.entries(amounts(line.added))) {
    const key = dayKey(line, asset);
    spent.set(key, (spent.get(key) ?? 0n) + amount);
  }
}

function dayKey({ chain, day }: { readonly chain: string; readonly day: string }, asset: string): string {
  return `${day} ${chain} ${asset}`;
}

async function append(file: FileHandle, line: Line): Promise<void> {
  await file.appendFile(`${JSON.stringify(line)}\n`);
  await file.datasync();
}

/** Replaces the file atomically, without expired lines. */
async function rewrite(path: string, lines: readonly Line[]): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), {
    mode: 0o600,
    flush: true,
  });
  await rename(draft, path);
  const directory = await open(dirname(join(path)));
  await directory.sync().finally(() => directory.close());
}

async function readLines(path: string): Promise<Line[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ConfigError(`--state-dir: cannot read ${path} (${(error as NodeJS.ErrnoException).code}).`);
  }
  const whole = text.split('\n').slice(0, -1);
  return whole.map((line, at) => {
    try {
      const read = JSON.parse(line) as Line;
      if (typeof read.reference === 'string' && typeof read.at === 'string') return read;
    } catch {
      // Reported below.
    }
    throw new ConfigError(`--state-dir: line ${at + 1} of ${path} must be a record of a signed payment.`);
  });
}

function isRemembered(at: string, clock: Clock): boolean {
  return Date.parse(at) > clock.now() - limits.signerMemoryDays * 24 * 60 * 60 * 1000;
}

function texts(entries: readonly (readonly [string, bigint])[]): Record<string, string> {
  return Object.fromEntries(entries.map(([asset, amount]) => [asset, amount.toString()]));
}

function amounts(counted: Readonly<Record<string, string>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(counted).map(([asset, amount]) => [asset, BigInt(amount)]));
}
