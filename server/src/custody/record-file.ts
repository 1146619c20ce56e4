import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import { replaceFile } from '../platform/replace-file.ts';
import {
  amountsOf,
  firstCode,
  type RecordEntry,
  readLine,
  type SignedEntry,
  writeLine,
} from './record-lines.ts';
import { dayOf } from './signing-record.ts';

/** Where the record is, and the key of its codes. */
export interface RecordFile {
  readonly path: string;
  readonly key: Uint8Array;
}

/** What is kept of the file in memory: the rest of each entry is read when it is needed. */
export interface RecordIndex {
  /** The offset of the last entry of each reference. */
  readonly offsets: Map<string, number>;
  /** The totals by day, chain and asset. */
  readonly spent: Map<string, bigint>;
  /** The day on which a restored copy was accepted: what was spent before is unknown. */
  restoredDay: string | undefined;
  entries: number;
  lastAtMs: number | null;
  /** The code of the last line. */
  code: string;
  /** The length of the file, without a line that a crash cut off. */
  size: number;
  /** The first entry that has not expired: its offset, the code and the number of the one before. */
  kept: { readonly offset: number; readonly code: string; readonly entries: number } | undefined;
  firstAtMs: number | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;
const memoryMs = limits.signerMemoryDays * dayMs;
/** A record is written anew once its oldest entries have expired for so long. */
const compactAfterMs = 30 * dayMs;

/**
 * Reads the record from its start to its end, one line after the other, without those that have expired for long. Creates it if it
 * does not exist.
 *
 * @throws ConfigError if a line was changed or removed
 */
export async function readRecordFile(record: RecordFile, nowMs: number): Promise<RecordIndex> {
  const index = await readRecord(record, nowMs);
  if (index.firstAtMs === undefined || index.firstAtMs >= nowMs - memoryMs - compactAfterMs) return index;
  await compact(record, index);
  return readRecord(record, nowMs);
}

/**
 * Accepts a record that was restored from an older copy: it continues after the entries that it lacks. What was spent today is
 * unknown, so nothing more is signed on this day (UTC).
 *
 * @param entries the number of entries that the server has seen
 * @throws ConfigError if the record is not behind, or not intact
 */
export async function acceptRestoredRecord(record: RecordFile, entries: number, clock: Clock): Promise<void> {
  const index = await readRecord(record, clock.now());
  if (index.entries >= entries) {
    throw new ConfigError(
      `--accept-restored-record: must be more than ${index.entries}, which the record has.`,
    );
  }
  const at = toIsoTime(clock.now());
  const { line } = writeLine(record.key, index.code, { kind: 'restored', entries, at });
  const file = await open(record.path, 'r+');
  try {
    await file.truncate(index.size);
    await file.write(line, 0, line.length, index.size);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The key of a total in `RecordIndex.spent`. */
export function dayKey(day: string, chain: string, asset: string): string {
  return `${day} ${chain} ${asset}`;
}

/** Notes an entry at an offset. */
export function note(index: RecordIndex, entry: RecordEntry, offset: number): void {
  index.entries = entry.entries;
  if (entry.kind === 'start') return;
  index.lastAtMs = Date.parse(entry.at);
  if (entry.kind === 'restored') {
    index.restoredDay = dayOf(index.lastAtMs);
    return;
  }
  index.offsets.set(entry.reference, offset);
  for (const [asset, amount] of Object.entries(amountsOf(entry.added))) {
    const key = dayKey(entry.at.slice(0, 10), entry.chain, asset);
    index.spent.set(key, (index.spent.get(key) ?? 0n) + amount);
  }
}

/** Reads an entry again, with its code: the file may have been changed since the start. */
export async function readEntry(file: FileHandle, key: Uint8Array, offset: number): Promise<SignedEntry> {
  const buffer = Buffer.alloc(limits.signerRecordLineBytes);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
  const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
  const read = end < 0 ? undefined : readLine(key, buffer.subarray(0, end));
  if (read?.entry.kind === 'signed') return read.entry;
  throw new Error('The record of signed payments was changed while the signer runs.');
}

async function readRecord(record: RecordFile, nowMs: number): Promise<RecordIndex> {
  const index: RecordIndex = {
    offsets: new Map(),
    spent: new Map(),
    restoredDay: undefined,
    entries: 0,
    lastAtMs: null,
    code: firstCode,
    size: 0,
    kept: undefined,
    firstAtMs: undefined,
  };
  if (!(await exists(record.path))) await createRecord(record);
  let number = 0;
  for await (const line of linesOf(record.path)) {
    number += 1;
    takeLine(record, index, line, number, nowMs);
    index.size += line.length + 1;
  }
  if (number === 0) throw damaged(record.path, 1);
  return index;
}

function takeLine(
  { key, path }: RecordFile,
  index: RecordIndex,
  line: Buffer,
  number: number,
  nowMs: number,
) {
  const read = line.length < limits.signerRecordLineBytes ? readLine(key, line) : undefined;
  if (!read) throw damaged(path, number);
  const { code, entry, previous } = read;
  const isStart = entry.kind === 'start';
  if (isStart !== (number === 1)) throw damaged(path, number);
  if (isStart) index.code = previous;
  else {
    const isNext =
      entry.kind === 'restored' ? entry.entries > index.entries : entry.entries === index.entries + 1;
    if (previous !== index.code || !isNext) throw damaged(path, number);
    const atMs = Date.parse(entry.at);
    index.firstAtMs ??= atMs;
    if (atMs <= nowMs - memoryMs) {
      // Expired entries are all before `kept`: the clock may have been set back.
      index.kept = undefined;
    } else index.kept ??= { offset: index.size, code: index.code, entries: index.entries };
    index.code = code;
  }
  note(index, entry, index.size);
}

function damaged(path: string, line: number): ConfigError {
  return new ConfigError(
    `--state-dir: line ${line} of ${path} is not authentic: it was changed, a line before it was removed, or it belongs to another seed.`,
  );
}

/** The complete lines of a file. What follows the last line feed was cut off by a crash. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    let content = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    for (let end = content.indexOf(0x0a); end >= 0; end = content.indexOf(0x0a)) {
      yield content.subarray(0, end);
      content = content.subarray(end + 1);
    }
    // No entry is as long: it is not authentic, and is not collected in memory.
    if (content.length > limits.signerRecordLineBytes) yield content;
    rest = content.length > limits.signerRecordLineBytes ? Buffer.alloc(0) : content;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    throw new ConfigError(`--state-dir: cannot read ${path} (${code}).`);
  }
}

async function createRecord(record: RecordFile): Promise<void> {
  const { line } = writeLine(record.key, firstCode, { kind: 'start', entries: 0 });
  await replaceFile(record.path, async (draft) => {
    const file = await open(draft, 'w', 0o600);
    await file.writeFile(line).finally(() => file.close());
  });
}

/** Writes the record anew without the entries that have expired. Those that remain keep their codes. */
async function compact(record: RecordFile, { code, entries, kept, size }: RecordIndex): Promise<void> {
  const from = kept ?? { offset: size, code, entries };
  const { line } = writeLine(record.key, from.code, { kind: 'start', entries: from.entries });
  await replaceFile(record.path, async (draft) => {
    const file = await open(draft, 'w', 0o600);
    await file.writeFile(line).finally(() => file.close());
    if (from.offset >= size) return;
    const source = createReadStream(record.path, { start: from.offset, end: size - 1 });
    await pipeline(source, createWriteStream(draft, { flags: 'a' }));
  });
}
