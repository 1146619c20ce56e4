import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { arrayLiteral } from './arrays.ts';

let client: Client;
beforeAll(async () => {
  client = new Client(inject('databaseUrl'));
  await client.connect();
});
afterAll(() => client.end());

it('every text is the same after it was written and read', async () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0') && value.isWellFormed());
  const special = fc.constantFrom(
    '',
    'NULL',
    'null',
    '"',
    '\\',
    '{}',
    ',',
    ' ',
    '\n',
    'a"b\\c',
    '{"a":"b"}',
    null,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, special)), async (values) => {
      const { rows } = await client.query('select $1::text[] as a', [arrayLiteral('text', values)]);
      expect(rows[0].a).toEqual(values);
    }),
    { numRuns: 200 },
  );
});

it('bytes, numbers, booleans and times are the same after they were written and read', async () => {
  const { rows } = await client.query(
    'select $1::bytea[] as bytes, $2::int8[] as numbers, $3::bool[] as flags, $4::timestamptz[] as times, $5::json[] as j',
    [
      arrayLiteral('bytea', [Buffer.from([0, 255, 34]), null]),
      arrayLiteral('int8', [-(2n ** 62n), 0n]),
      arrayLiteral('bool', [true, false, null]),
      arrayLiteral('timestamptz', ['2026-01-15T11:00:00.123Z']),
      arrayLiteral('json', ['{"a":"\\"q\\""}']),
    ],
  );
  expect(rows[0].bytes).toEqual([Buffer.from([0, 255, 34]), null]);
  expect(rows[0].numbers.map(BigInt)).toEqual([-(2n ** 62n), 0n]);
  expect(rows[0].flags).toEqual([true, false, null]);
  expect(rows[0].times).toEqual([new Date('2026-01-15T11:00:00.123Z')]);
  expect(rows[0].j).toEqual([{ a: '"q"' }]);
});
