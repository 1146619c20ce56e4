import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSchema, type Schema } from '../../../scripts/schema/catalog.mjs';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import type { ColumnType, Table } from './tables/table.ts';
import { otherTables, tables } from './tables.ts';

/** The schema of a migrated database, the file that shows it, and the definitions of the tables agree. */

let database: TestDatabase;
let schema: Schema;
beforeAll(async () => {
  database = await createDatabase();
  const client = new Client(database.url);
  await client.connect();
  schema = await readSchema(client);
  await client.end();
});
afterAll(() => database.drop());

it('the schema is the committed one; after a new migration run `npm run schema`', async () => {
  expect(schema).toEqual(JSON.parse(await readFile('server/schema.snapshot.json', 'utf8')));
});

const typeNames: Readonly<Record<ColumnType, string>> = {
  bool: 'boolean',
  bytea: 'bytea',
  date: 'date',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  json: 'json',
  numeric: 'numeric',
  text: 'text',
  timestamptz: 'timestamp with time zone',
};

it('every table is defined with the columns and types that it has', () => {
  const defined = Object.entries({ ...tables, ...otherTables }).map(([name, table]) => {
    const { columns, nullable } = table as unknown as Table<Record<string, unknown>>;
    const facts = Object.entries(columns).map(([column, type]) => [
      column,
      `${typeNames[type]}${nullable.includes(column) ? '' : ' not null'}`,
    ]);
    return [name, Object.fromEntries(facts)];
  });
  // Codes of rows are columns that the store adds by itself, and `created_tx` is filled by the database.
  const found = Object.entries(schema.tables).map(([name, { columns }]) => {
    const facts = Object.entries(columns)
      .filter(([column]) => column !== 'mac' && column !== 'created_tx')
      .map(([column, fact]) => [
        column,
        fact
          .replace(/\(.*?\)/, '')
          .replace(/ default .*/, '')
          .replace(/ (collate|storage) \w+/g, ''),
      ]);
    return [name, Object.fromEntries(facts)];
  });
  expect(Object.fromEntries(defined)).toEqual(Object.fromEntries(found));
});
