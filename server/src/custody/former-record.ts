import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../platform/config.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { firstCode, type SignedEntry, writeLine } from './record-lines.ts';

/**
 * Converts the record of a version whose lines had no codes, once. It is believed: it is all that is known of what was signed.
 *
 * @param path the record that it becomes; if there is one, the former is removed
 * @throws ConfigError if a line is not a record of a signed payment
 */
export async function importFormerRecord(directory: string, path: string, key: Uint8Array): Promise<void> {
  const former = join(directory, 'signed.jsonl');
  if (!(await isThere(former))) return;
  if (!(await isThere(path))) {
    await replaceFile(path, (draft) =>
      pipeline(Readable.from(convertedLines(former, key)), createWriteStream(draft, { mode: 0o600 })),
    );
  }
  await rm(former);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function* convertedLines(former: string, key: Uint8Array): AsyncGenerator<Buffer> {
  yield writeLine(key, firstCode, { kind: 'start', entries: 0 }).line;
  let previous = firstCode;
  let entries = 0;
  // The last line may have been cut off: it is yielded only when another follows.
  let pending: string | undefined;
  for await (const line of createInterface({ input: createReadStream(former, 'utf8') })) {
    if (pending !== undefined) {
      entries += 1;
      const written = writeLine(key, previous, parse(pending, entries));
      previous = written.code;
      yield written.line;
    }
    pending = line;
  }
  if (pending === undefined || !(await endsWithLine(former))) return;
  yield writeLine(key, previous, parse(pending, entries + 1)).line;
}

async function endsWithLine(path: string): Promise<boolean> {
  const { size } = await stat(path);
  for await (const chunk of createReadStream(path, { start: Math.max(0, size - 1) })) {
    return (chunk as Buffer).at(-1) === 0x0a;
  }
  return false;
}

function parse(line: string, entries: number): SignedEntry {
  try {
    const { added, at, chain, counted, intent, nonce, reference } = JSON.parse(line) as SignedEntry;
    if (typeof reference === 'string' && !Number.isNaN(Date.parse(at))) {
      return { kind: 'signed', entries, at, chain, reference, intent, nonce, counted, added };
    }
  } catch {
    // Reported below.
  }
  throw new ConfigError(`--state-dir: line ${entries} of signed.jsonl must be a record of a signed payment.`);
}
