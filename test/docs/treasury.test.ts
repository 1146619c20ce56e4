import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nextStatuses } from '../../server/src/resources/transfers/state.ts';
import type { TransactionStatus } from '../../server/src/store/tables/transactions.ts';
import { readGuide, tableRows } from '../support/guides.ts';

/** The table of states in the guide of the treasury, beside the sources. */

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const words = (union: string): string[] => [...union.matchAll(/'(\w+)'/g)].map(([, word = '']) => word);

/** The words of an exported union type. */
function unionOf(path: string, name: string): string[] {
  const [, union = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(read(path)) ?? [];
  return words(union.replaceAll(/\/\*\*.*?\*\//gs, ''));
}

/** The states of every table of a file: each column of words that is no kind and no name of a work. */
function statesIn(path: string): string[] {
  const source = read(path);
  return source
    .split(/(?=export const \w+ = table\()/)
    .slice(1)
    .flatMap((definition) => {
      const [, table = ''] = /table\(\s*'(\w+)'/.exec(definition) ?? [];
      const columns = [...definition.matchAll(/^\s+(\w+): text<([^>]*)>/gm)];
      return columns
        .filter(([, column = '']) => ['status', 'attention', 'reason'].includes(column))
        .flatMap(([, , type = '']) => {
          const named = /^\s*(\w+)\s*$/.exec(type)?.[1];
          return named === undefined ? words(type) : unionOf(path, named);
        })
        .map((state) => `${table} ${state}`);
    });
}

/** The statuses that a transfer on a chain can reach. */
function transferStatuses(): string[] {
  const reached = new Set<TransactionStatus>(['in_review']);
  for (const status of reached) {
    for (const next of nextStatuses({ payout_account_id: null, status })) reached.add(next);
  }
  return [...reached].map((status) => `transfers ${status}`);
}

const rows = tableRows(readGuide('treasury'), 'Every state and the way out').map((cells) =>
  cells.map((cell) => cell.replaceAll('`', '')),
);

test('every state of payments, transfers, deposits, holds, rescans and orders is in the table, and no other', () => {
  const tables = 'server/src/store/tables';
  const stated = [
    ...transferStatuses(),
    ...statesIn(`${tables}/chains.ts`),
    ...statesIn(`${tables}/transactions.ts`).filter((state) => state.startsWith('internal_transfers')),
    ...unionOf('server/src/onchain/deposits/uncredited.ts', 'UncreditedReason').map(
      (reason) => `uncredited_deposits ${reason}`,
    ),
    ...unionOf('server/src/onchain/holds/queries.ts', 'HoldKind').map((kind) => `chain_holds ${kind}`),
  ];
  expect(stated.length).toBeGreaterThan(35);
  const known = new Set(stated.map((state) => state.split(' ')[0]));
  const listed = rows
    .map(([what, state]) => `${what} ${state}`)
    .filter((row) => known.has(row.split(' ')[0]));
  expect([...listed].sort()).toEqual([...stated].sort());
});

test('every command that the table names exists, and no state ends in SQL', () => {
  const sources = readdirSync(join(root, 'cli/src')).map((file) => read(`cli/src/${file}`));
  const declared = (name: string): boolean =>
    sources.some((source) => new RegExp(`command\\(\\s*['"]${name}['"]|\\['${name}', `).test(source));
  for (const [what = '', state = '', itself = '', commands = ''] of rows) {
    expect(itself, `${what} ${state}`).not.toBe('');
    const named = [...commands.matchAll(/\b(transfers|payments|deposits|chains|nonce|signer) ([a-z-]+)/g)];
    if (commands !== 'none is needed') expect(named.length, `${what} ${state}`).toBeGreaterThan(0);
    if (itself.startsWith('never')) expect(named.length, `${what} ${state}`).toBeGreaterThan(0);
    for (const [text, group = '', name = ''] of named) {
      expect(declared(group) && declared(name), text).toBe(true);
    }
  }
});
