import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { SignerRefusal } from '../chains/errors.ts';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import { importFormerRecord } from './former-record.ts';
import { dayKey, note, type RecordFile, type RecordIndex, readEntry, readRecordFile } from './record-file.ts';
import { paymentOf, type SignedEntry, textsOf, writeLine } from './record-lines.ts';
import { afterSigning, dayOf, decidePayment, type Payment, type SpendBook } from './signing-record.ts';

/** The record of a separate signer, in a file. */
export interface SpendFile extends SpendBook {
  entries(): number;
  close(): Promise<void>;
}

/**
 * Opens the record, and creates it if it does not exist. The caller ensures that only one process has it open.
 *
 * @param directory the state directory
 * @param key from `recordKeyOf`
 * @throws ConfigError if a line was changed or removed; an incomplete line at the end was never signed, and is dropped
 */
export async function openSpendFile(directory: string, key: Uint8Array, clock: Clock): Promise<SpendFile> {
  const record = recordIn(directory, key);
  await importFormerRecord(directory, record.path, key);
  const index = await readRecordFile(record, clock.now());
  const file = await open(record.path, 'r+');
  // A line that a crash cut off.
  await file.truncate(index.size);
  return spendFile(record, index, file);
}

/** The record's file in a state directory. @param key from `recordKeyOf` */
export function recordIn(directory: string, key: Uint8Array): RecordFile {
  return { path: join(directory, 'signed.record'), key };
}

function spendFile({ key }: RecordFile, index: RecordIndex, file: FileHandle): SpendFile {
  let last: Promise<unknown> = Promise.resolve();
  let isBroken = false;
  const find: SpendBook['find'] = async (reference) => {
    const offset = index.offsets.get(reference);
    return offset === undefined ? undefined : paymentOf(await readEntry(file, key, offset));
  };
  const record = async (payment: Payment): Promise<void> => {
    if (isBroken) throw new Error('The record could not be written; restart the signer.');
    const day = dayOf(payment.atMs);
    const known = await find(payment.reference);
    const added = decidePayment(payment, known, (asset) => {
      if (index.restoredDay !== day) return index.spent.get(dayKey(day, payment.chain, asset)) ?? 0n;
      throw new SignerRefusal('over_day_limit', 'The record was restored: what was spent today is unknown.');
    });
    if (!added) return;
    const { counted } = afterSigning(payment, known, added);
    const entry = entryOf(payment, index.entries + 1, counted, added);
    const { code, line } = writeLine(key, index.code, entry);
    // Nothing may be written after a partial line.
    isBroken = true;
    await file.write(line, 0, line.length, index.size);
    await file.datasync();
    isBroken = false;
    note(index, entry, index.size);
    index.code = code;
    index.size += line.length;
  };
  /** Sequentially, so that each payment sees what the previous one recorded. */
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  return {
    entries: () => index.entries,
    find: (reference) => inOrder(() => find(reference)),
    record: (payment) => inOrder(() => record(payment)),
    async status(day) {
      const spent = [...index.spent].flatMap(([text, amount]) => {
        const [of, chain = '', ...asset] = text.split(' ');
        return of === day ? [{ chain, asset: asset.join(' '), amount }] : [];
      });
      return { spent, entries: index.entries, bytes: index.size, lastAtMs: index.lastAtMs };
    },
    async close() {
      await last;
      await file.close();
    },
  };
}

function entryOf(
  { atMs, chain, intent, nonce, reference, transaction }: Payment,
  entries: number,
  counted: Readonly<Record<string, bigint>>,
  added: readonly { readonly asset: string; readonly amount: bigint }[],
): SignedEntry {
  const { id, terms, unsigned, validity } = transaction;
  return {
    kind: 'signed',
    entries,
    at: toIsoTime(atMs),
    chain,
    reference,
    intent,
    nonce,
    counted: textsOf(Object.entries(counted)),
    added: textsOf(added.map(({ amount, asset }) => [asset, amount])),
    transaction: { id, unsigned: Buffer.from(unsigned).toString('base64'), terms, validity },
  };
}
