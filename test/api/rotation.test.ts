import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyring } from '../../server/src/platform/keyring.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { sealedColumns } from '../../server/src/sealing/columns.ts';
import { rotate, rotationSteps } from '../../server/src/sealing/rotate.ts';
import {
  type AuthenticatedTableName,
  authenticatedTables,
} from '../../server/src/store/authenticated-rows.ts';
import { createCustomerSalts } from '../../server/src/store/customer-salts.ts';
import { createRowGuard, rowIdOf } from '../../server/src/store/row-guard.ts';
import { createClient } from '../support/client.ts';
import { approvedCustomer, newCustomer, newWallet, ok } from '../support/factories.ts';
import { openPage } from '../support/hosted.ts';
import type { Receiver } from '../support/receiver.ts';
import {
  mark,
  newSealedCustomer,
  type SealedCustomer,
  sealAsBefore,
  sealedRows,
  startEcho,
} from '../support/sealed.ts';
import { startServer, type TestServer } from '../support/server.ts';

const [firstKey, secondKey, thirdKey, fourthKey] = [
  randomBytes(32),
  randomBytes(32),
  randomBytes(32),
  randomBytes(32),
];
/** The keys that the servers read, as if from a file. */
let keys: Uint8Array[] = [firstKey];
const follow = () => createKeyring(keys, () => keys);

let server: TestServer;
let receiver: Receiver;
let customer: SealedCustomer;
let link = '';
beforeAll(async () => {
  server = await startServer({ masterKey: follow() });
  receiver = await startEcho();
  link = (await newCustomer(server.api)).kycLink;
  customer = await newSealedCustomer(server, receiver, toolsOf(keys).vault);
});
afterAll(async () => {
  await server.stop();
  await receiver.stop();
});

/** Waits until the server seals with the first of the keys, as the command does. */
async function followed(): Promise<void> {
  const { id } = await ok(
    server.live.post('/v1/customers', { email: 'a@example.com', firstName: 'A', lastName: 'B' }),
  );
  let change = 0;
  const sealedUnder = async (): Promise<string> => {
    change += 1;
    await ok(server.live.patch(`/v1/customers/${id}`, { lastName: `B${change}` }));
    const { rows } = await server.app.pool.query('select personal from customers where id = $1', [id]);
    return rows[0].personal.split('.')[2];
  };
  const { vault } = toolsOf(keys);
  await expect.poll(sealedUnder, { timeout: 10_000 }).toBe(vault.currentKeyId());
}

const toolsOf = (ring: readonly Uint8Array[]) => {
  const { pool } = server.app;
  return { pool, vault: createVault(createKeyring(ring)).withSalts(createCustomerSalts(pool)) };
};

const answers = async (api = server.api): Promise<string[]> =>
  Promise.all(
    customer.paths.map(async (path) => (await api.get(path)).text.replace(/"requestId":"[^"]*"/, '')),
  );

const leftUnder = async (ring: readonly Uint8Array[]): Promise<string[]> => {
  const steps = rotationSteps(toolsOf(ring));
  const left = await Promise.all(steps.map(async ({ count, name }) => `${name}: ${await count()}`));
  return left.filter((line) => !line.endsWith(': 0'));
};

it('covers every column whose values the schema requires to be sealed', async () => {
  const { rows } = await server.app.pool.query<{ name: string; check: string }>(
    `select c.conrelid::regclass || '.' || a.attname as name, pg_get_constraintdef(c.oid) as check
      from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
      where c.contype = 'c' and pg_get_constraintdef(c.oid) like '%sealed.%' order by 1`,
  );
  const strict = sealedColumns.filter(({ isMixed }) => !isMixed);
  expect(rows.map(({ name }) => name)).toEqual(strict.map((one) => `${one.table}.${one.column}`).sort());
  for (const { check, name } of rows) {
    expect(check, name).toContain('sealed.v1.%');
    expect(check, name).toContain('sealed.v2.%');
  }
});

describe('a rotation', () => {
  it('seals values without a scope in their scopes, and no response changes', async () => {
    const before = await answers();
    expect(before.join('')).toContain(mark);
    await sealAsBefore(server.app.pool, toolsOf([firstKey]).vault, firstKey);
    expect(await leftUnder([firstKey])).toHaveLength(sealedColumns.length);
    expect(await answers()).toEqual(before);
    const tools = toolsOf([firstKey]);
    const written = await rotate(tools.pool, rotationSteps(tools), () => undefined);
    expect(written).toBeGreaterThan(sealedColumns.length);
    expect(await leftUnder([firstKey])).toEqual([]);
    expect(await answers()).toEqual(before);
    for (const column of sealedColumns) {
      for (const row of await sealedRows(server.app.pool, column)) {
        const scope = row.value.split('.')[3];
        if (row.customer_id !== null) expect(scope, column.column).toBe(row.customer_id);
      }
    }
  });

  it('leaves nothing under the previous key, and earlier links and forms stay valid', async () => {
    const before = await answers();
    const replay = { 'Idempotency-Key': customer.created.key };
    const created = await server.api.post('/v1/customers', customer.created.body, replay);
    keys = [secondKey, firstKey];
    await followed();
    const tools = toolsOf(keys);
    await rotate(tools.pool, rotationSteps(tools), () => undefined);
    expect(await leftUnder(keys)).toEqual([]);
    expect(await answers()).toEqual(before);
    expect((await openPage(link)).status).toBe(303);
    expect((await openPage(`${link}/you`)).status).toBe(200);

    // A server that has the new key only: everything is readable, and found by its e-mail address.
    const after = await server.second({ masterKey: secondKey });
    const api = await createClient(after.url, server.testKey);
    expect((await answers(api)).map((text) => relinked(text.replaceAll(after.url, '')))).toEqual(
      before.map((text) => relinked(text)),
    );
    const again = await api.post('/v1/customers', customer.created.body, replay);
    expect(again.text).toBe(created.text);
    expect((await openPage(link.replace(server.app.url, after.url))).status).not.toBe(303);
    await after.stop();
  });

  it('reaches servers that cache rows, and continues after an interruption', async () => {
    const busy = await approvedCustomer(server.api, { firstName: 'Busy' });
    keys = [thirdKey, secondKey];
    await followed();
    const tools = toolsOf(keys);
    let written = 0;
    const broken = rotate(tools.pool, rotationSteps(tools), (_name, count) => {
      written += count;
      if (written > 5) throw new Error('killed');
    });
    await expect(broken).rejects.toThrow('killed');
    expect(await leftUnder(keys)).not.toEqual([]);
    let isOver = false;
    let changes = 0;
    const writing = (async () => {
      while (!isOver) {
        changes += 1;
        await ok(server.api.patch(`/v1/customers/${busy.id}`, { metadata: { change: String(changes) } }));
      }
    })();
    await rotate(tools.pool, rotationSteps(tools), () => undefined);
    isOver = true;
    await writing;
    expect(await leftUnder(keys)).toEqual([]);
    const found = await ok(server.api.get(`/v1/customers/${busy.id}`));
    expect(found).toMatchObject({ firstName: 'Busy', metadata: { change: String(changes) } });
    keys = [thirdKey];
    await expect.poll(async () => (await answers()).join('').includes(mark), { timeout: 10_000 }).toBe(true);
    await ok(server.api.patch(`/v1/customers/${busy.id}`, { metadata: {} }));
    expect(await problems()).toEqual([]);
  });

  it('computes the codes of all rows again, and makes no forged row authentic', async () => {
    const wallet = await newWallet(server.api, customer.id);
    const account = await ok(
      server.api.post('/v1/virtual-accounts', {
        customerId: customer.id,
        sourceCurrency: 'eur',
        walletId: wallet.id,
      }),
    );
    const stranger = await newCustomer(server.api);
    const forge = async (status: string, kyc: string): Promise<void> => {
      await server.ownerPool.query('update virtual_accounts set status = $2 where id = $1', [
        account.id,
        status,
      ]);
      await server.ownerPool.query('update customers set kyc_status = $2 where id = $1', [stranger.id, kyc]);
    };
    await forge('deactivated', 'approved');
    const forged = [stranger.id, account.id].sort();
    const found = async () => (await problems()).map(({ id }) => id).sort();
    expect(await found()).toEqual(forged);

    keys = [fourthKey, thirdKey];
    await followed();
    const tools = toolsOf(keys);
    await rotate(tools.pool, rotationSteps(tools), () => undefined);
    expect((await leftUnder(keys)).sort()).toEqual([
      'customers.mac: 1',
      'virtual_accounts.deposit_instructions: 1',
      'virtual_accounts.mac: 1',
    ]);
    const current = createRowGuard(createVault(fourthKey), () => undefined);
    for (const [table, rows] of await codedRows()) {
      const notOurs = rows
        .filter((row) => !current.isAuthentic(table, row))
        .map((row) => rowIdOf(table, row));
      expect({ table, notOurs }).toEqual({ table, notOurs: forged.filter((id) => notOurs.includes(id)) });
    }
    expect(await found()).toEqual(forged);

    // Once they are repaired, the rows are authentic, and a rotation continues with them.
    await forge(account.status, stranger.kycStatus);
    expect(await problems()).toEqual([]);
    expect(await rotate(tools.pool, rotationSteps(tools), () => undefined)).toBeGreaterThan(0);
    expect(await leftUnder(keys)).toEqual([]);
    keys = [fourthKey];
    await expect.poll(problems, { timeout: 10_000 }).toEqual([]);
  });

  it('changes the account key of a virtual account together with its code', async () => {
    const read = async () => {
      const { rows } = await server.ownerPool.query<Row>('select * from virtual_accounts order by id');
      return rows;
    };
    const before = await read();
    const lastKey = randomBytes(32);
    keys = [lastKey, fourthKey];
    await followed();
    const tools = toolsOf(keys);
    const step = rotationSteps(tools).find(({ name }) => name === 'virtual_accounts.deposit_instructions');
    expect(await step?.run(() => undefined)).toBe(before.length);
    const current = createRowGuard(createVault(lastKey), () => undefined);
    const after = await read();
    expect(after.length).toBeGreaterThan(0);
    for (const [index, row] of after.entries()) {
      expect(row.account_key).not.toBe(before[index]?.account_key);
      expect(current.isAuthentic('virtual_accounts', row)).toBe(true);
    }
    await rotate(tools.pool, rotationSteps(tools), () => undefined);
    expect(await problems()).toEqual([]);
  });

  it('keeps the code valid of a virtual account that changes between two steps', async () => {
    const change = (verb: 'reactivate' | 'deactivate') =>
      ok(server.api.post(`/v1/virtual-accounts/${customer.virtualAccountId}/${verb}`, {}));
    const [current] = keys as [Uint8Array];
    keys = [randomBytes(32), current];
    await followed();
    // The lane caches the row from now on.
    await change('deactivate');
    const tools = toolsOf(keys);
    const step = rotationSteps(tools).find(({ name }) => name === 'virtual_accounts.deposit_instructions');
    expect(await step?.run(() => undefined)).toBeGreaterThan(0);
    await change('reactivate');
    expect(await problems()).toEqual([]);
    await rotate(tools.pool, rotationSteps(tools), () => undefined);
    expect(await leftUnder(keys)).toEqual([]);
    expect(await problems()).toEqual([]);
  });
});

type Row = Readonly<Record<string, unknown>>;

const problems = async (): Promise<{ id: string }[]> =>
  (await server.api.get('/v1/ledger/verify')).data.problems;

/** The rows of every authenticated table. */
async function codedRows(): Promise<[AuthenticatedTableName, Row[]][]> {
  const tables = Object.keys(authenticatedTables) as AuthenticatedTableName[];
  return Promise.all(
    tables.map(async (table) => {
      const { rows } = await server.ownerPool.query<Row>(`select * from ${table}`);
      return [table, rows] satisfies [AuthenticatedTableName, Row[]];
    }),
  );
}

/** Without the parts that differ from server to server. */
function relinked(text: string): string {
  return text.replaceAll(server.app.url, '');
}

it('skips a value that does not open, and counts it', async () => {
  const { id } = await newCustomer(server.api);
  await server.ownerPool.query(
    `update customers set personal = overlay(personal placing 'AAAA' from length(personal) - 8) where id = $1`,
    [id],
  );
  keys = [randomBytes(32), ...keys];
  await followed();
  const tools = toolsOf(keys);
  await rotate(tools.pool, rotationSteps(tools), () => undefined);
  expect(await leftUnder(keys)).toEqual(['customers.personal: 1']);
});
