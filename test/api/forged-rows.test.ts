import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyLedger } from '../../server/src/ledger/verify.ts';
import { verifyRows } from '../../server/src/ledger/verify-rows.ts';
import { listPending } from '../../server/src/onchain/deposits/queries.ts';
import { createAddressBook } from '../../server/src/onchain/deposits/watched-addresses.ts';
import { listHolds } from '../../server/src/onchain/holds/queries.ts';
import { listOpenInternalTransfers } from '../../server/src/onchain/internal/queries.ts';
import { listAttempts, listOpenActions } from '../../server/src/onchain/operator/queries.ts';
import { listUnknown } from '../../server/src/onchain/outflows/queries.ts';
import { findDraft } from '../../server/src/onchain/payments/drafts.ts';
import { listPayments, listWithdrawn } from '../../server/src/onchain/payments/queries.ts';
import { systemClock } from '../../server/src/platform/clock.ts';
import { createIdSource } from '../../server/src/platform/ids.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { drawKey, printKey, revokeKey } from '../../server/src/resources/api-keys/commands.ts';
import { findActiveKeys } from '../../server/src/resources/api-keys/queries.ts';
import { listDepositAddresses } from '../../server/src/resources/crypto-wallets/queries.ts';
import { listAcceptances } from '../../server/src/resources/identity/queries.ts';
import { findLiveTransfers, listOpenOnChain } from '../../server/src/resources/transfers/queries.ts';
import { authenticateRows } from '../../server/src/store/authenticate-rows.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedTables,
} from '../../server/src/store/authenticated-rows.ts';
import { createDb, type Db } from '../../server/src/store/database.ts';
import type { Pool, PoolClient } from '../../server/src/store/pool.ts';
import { RowNotAuthenticError } from '../../server/src/store/row-guard.ts';
import { loadRecipients } from '../../server/src/webhooks/recipients.ts';
import { runReplays } from '../../server/src/webhooks/replays.ts';
import type { Command } from '../../server/src/writer/command.ts';
import { createWriter, type Writer } from '../../server/src/writer/writer.ts';
import {
  address,
  approvedCustomer,
  environmentOf,
  fundedWallet,
  newCustomer,
  newPayee,
  newWallet,
  ok,
  transferBody,
  usBank,
} from '../support/factories.ts';
import { openPage } from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { watchLog } from '../support/watched-log.ts';

/**
 * An attacker without the master key writes to the database. For each table whose rows grant access or direct money: a forged
 * row is not used, and verify finds it.
 */

type Table = AuthenticatedTableName;
type Row = Record<string, unknown> & { bucket: number; id: string };

const { errors, logger } = watchLog();
const masterKey = randomBytes(32);
let server: TestServer;
/** The pool of the server, and the one of the attacker. */
let pool: Pool;
let owner: Pool;
let db: Db;
let environmentId: string;
let liveId: string;

beforeAll(async () => {
  server = await startServer({ masterKey, logger });
  pool = server.app.pool;
  owner = server.ownerPool;
  db = createDb(pool);
  environmentId = await environmentOf(server, server.testKey);
  liveId = await environmentOf(server, server.liveKey);
  await makeRows();
}, 60_000);
afterAll(() => server.stop());

/** Makes an internal transfer, and waits until its receiver is credited. */
async function sendToOwnAddress(from: { readonly id: string; readonly customerId: string }): Promise<void> {
  const { api } = server;
  const { id } = await newWallet(api);
  const addresses = await ok(api.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`));
  const { address: to } = addresses.find(({ chain }: { chain: string }) => chain === 'solana');
  await ok(api.post('/v1/transfers', transferBody(from, { amount: '10.00', destinationAddress: to })));
  const statusNow = async () => (await pool.query('select status from internal_transfers')).rows[0]?.status;
  await vi.waitFor(async () => expect(await statusNow()).toBe('credited'), { timeout: 20_000 });
}

/** Makes at least one row of each table: over the API where it can, and by statements otherwise. */
async function makeRows(): Promise<void> {
  const { api } = server;
  const wallet = await fundedWallet(api, '100.00');
  const transfer = await ok(
    api.post('/v1/transfers', transferBody(wallet, { destinationAddress: address.solana })),
  );
  await sendToOwnAddress(wallet);
  await newPayee(api, wallet.customerId, usBank());
  await ok(
    api.post('/v1/virtual-accounts', {
      customerId: wallet.customerId,
      walletId: wallet.id,
      sourceCurrency: 'usd',
    }),
  );
  await ok(api.post('/v1/webhooks', { url: 'http://127.0.0.1:9/hooks', events: ['*'] }));
  const key = await pool.query<{ id: string }>('select id from api_keys where environment_id = $1', [liveId]);
  await server.app.writer.submit(revokeKey(liveId, key.rows[0]?.id ?? ''));
  const bucket = 'bucket, ';
  const statements = [
    `insert into identity_cases (${bucket}id, environment_id, customer_id, status, form, version, reasons, created_at, updated_at)
      select bucket, 'case_' || id, environment_id, id, 'under_review', 'sealed.v1.x', 1, '[]', now(), now() from customers
      where not exists (select from identity_cases) limit 1`,
    `insert into terms_acceptances (${bucket}id, environment_id, customer_id, version, text_sha256, evidence, accepted_at)
      select bucket, 'terms_1', environment_id, id, '1', sha256('x'), 'sealed.v1.x', now() from customers limit 1`,
    `insert into screenings (${bucket}id, environment_id, verdict, reason, created_at)
      select bucket, id, environment_id, 'review', 'large', now() from transactions where id = '${transfer.id}'`,
    `insert into chain_deposits (${bucket}id, environment_id, wallet_id, chain, tx_hash, height, block_id, currency,
        amount_minor, status, transaction_id, created_at, updated_at)
      select bucket, 'base:0x1:0', environment_id, wallet_id, 'base', '0x1', 7, '0xb', 'usdc', 5, 'pending', id, now(), now()
      from transactions where id = '${transfer.id}'`,
    `insert into webhook_replays (${bucket}id, environment_id, webhook_id, event_ids, status, queued, created_at)
      select bucket, 'rpl_1', environment_id, id, '[]', 'completed', 0, now() from webhooks limit 1`,
    `insert into chain_payments (chain, id, kind, sender, sequence, currency, address, amount, status, created_at, updated_at)
      values ('base', 'pay_1', 'transfer', '0xsender', 4, 'usdc', '0xto', 5, 'open', now(), now())`,
    `insert into chain_attempts (payment_id, number, tx_hash, raw, terms, signed_at)
      values ('pay_1', 1, '0xhash', '0xraw', '{}', now())`,
    `insert into void_attempts (payment_id, number, tx_hash, raw, terms, signed_at)
      values ('pay_1', 1, '0xhash2', '0xraw', '{}', now())`,
    `insert into operator_actions (${bucket}id, environment_id, chain, kind, subject, number, parameters, reason,
        requested_by, status, created_at, updated_at)
      select bucket, 'pay_1:1', environment_id, 'base', 'payment_cancel', 'pay_1', 1, '{}', 'stuck', 'ada', 'requested',
        now(), now() from customers limit 1`,
    `insert into chain_drafts (payment_id, number, unsigned, terms, created_at) values ('pay_1', 2, '02', '{}', now())`,
    `insert into chain_holds (id, chain, kind, detail, figures, opened_at, released_at, released_by, release_reason)
      values ('hold_1', 'base', 'unknown_outflow', 'x', '{}', now(), now(), 'alice', 'seen')`,
    `insert into chain_outflows (chain, id, sender, tx_hash, height, currency, address, amount, seen_at, resolution, resolved_at)
      values ('base', '0x1:0', '0xsender', '0x1', 4, 'usdc', '0xto', 5, now(), 'no_outflow', now())`,
    `insert into treasury_outflows (${bucket}id, environment_id, chain, tx_hash, currency, amount_minor, address, reason,
        booked_by, created_at)
      select bucket, 'out_1', '${liveId}', 'base', '0x2', 'usdc', 5, '0xto', 'lost', 'alice', now()
      from transactions where id = '${transfer.id}'`,
  ];
  for (const text of statements) await owner.query(text);
  await authenticateRows(owner);
}

/** Changes the database as its owner can, and puts it back. */
async function withForgery<Result>(
  forge: (client: PoolClient) => Promise<unknown>,
  look: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await owner.connect();
  try {
    await client.query('begin');
    await forge(client);
    return await look(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** Takes away what would refuse a value, as the owner of the tables can: it is not what is tested here. */
async function dropConstraints(client: PoolClient, table: Table): Promise<void> {
  await client.query(`grant update on ${table} to current_user`);
  const { rows } = await client.query<{ name: string; owner: string }>(
    `select conname as name, conrelid::regclass::text as owner from pg_constraint
      where (conrelid = $1::regclass and contype in ('c', 'f')) or (confrelid = $1::regclass and contype = 'f')`,
    [table],
  );
  for (const { name, owner } of rows)
    await client.query(`alter table ${owner} drop constraint if exists ${name}`);
}

const otherValues: Record<string, string> = {
  text: "coalesce(C, '') || 'x'",
  int2: 'coalesce(C, 0) + 1',
  int4: 'coalesce(C, 0) + 1',
  int8: 'coalesce(C, 0) + 1',
  numeric: 'coalesce(C, 0) + 1',
  timestamptz: "coalesce(C, now()) + interval '1 day'",
  bytea: "sha256('another')",
  json: `'["another"]'`,
};

async function typeOf(table: Table, column: string): Promise<string> {
  const { rows } = await pool.query<{ type: string }>(
    'select udt_name as type from information_schema.columns where table_name = $1 and column_name = $2',
    [table, column],
  );
  return rows[0]?.type ?? '';
}

const tables = Object.keys(authenticatedTables) as Table[];

describe('verify finds', () => {
  it('nothing at first, and checks rows of every table', async () => {
    const found = await verifyLedger(pool, undefined, {
      at: async () => [],
      most: 0,
    });
    expect(found.problems.filter(({ kind }) => kind === 'row_not_authentic')).toEqual([]);
    for (const table of tables) {
      const { rows } = await pool.query(`select 1 from ${table} limit 1`);
      expect({ table, rows: rows.length }).toEqual({ table, rows: 1 });
    }
  });

  it.each([
    ['customers', ['link_generation', 'key_salt', 'erased_at']],
    ['transactions', ['transfer_proof']],
    ['webhooks', ['created_by_key_id']],
  ] as const)('among the fields of %s these: %s', (table, fields) => {
    expect(authenticatedTables[table].fields).toEqual(expect.arrayContaining([...fields]));
  });

  it.each(tables)('each field of %s that was changed outside the server', async (table) => {
    const { fields }: AuthenticatedTable = authenticatedTables[table];
    for (const field of fields) {
      const value = (otherValues[await typeOf(table, field)] ?? 'null').replaceAll('C', field);
      const found = await withForgery(
        async (client) => {
          await dropConstraints(client, table);
          await client.query(
            `update ${table} set ${field} = ${value} where ctid = (select min(ctid) from ${table})`,
          );
        },
        (client) => verifyRows(client, pool.guard, null),
      );
      expect({
        field,
        kinds: found.problems.map(({ kind, message }) => `${kind} ${message.split(':')[0]}`),
      }).toEqual({
        field,
        kinds: [`row_not_authentic ${table}`],
      });
    }
  });

  it.each(tables)('a row of %s without a code', async (table) => {
    const { problems } = await withForgery(
      (client) =>
        client.query(`update ${table} set mac = null where ctid = (select min(ctid) from ${table})`),
      (client) => verifyRows(client, pool.guard, null),
    );
    expect(problems).toMatchObject([{ kind: 'row_not_authentic' }]);
  });

  it.each(tables)('a row of %s whose code was made for another one', async (table) => {
    const { key }: AuthenticatedTable = authenticatedTables[table];
    const last = key.at(-1) ?? '';
    const value = (otherValues[await typeOf(table, last)] ?? '').replaceAll('C', last);
    const { problems } = await withForgery(
      async (client) => {
        await dropConstraints(client, table);
        await client.query(
          `update ${table} set ${last} = ${value} where ctid = (select min(ctid) from ${table})`,
        );
      },
      (client) => verifyRows(client, pool.guard, null),
    );
    expect(problems.map(({ kind }) => kind)).toContain('row_not_authentic');
  });

  it('a deposit address that does not follow from the seed, although its code is right', async () => {
    const { rows } = await pool.query<Row & { wallet_id: string }>(
      "select * from deposit_addresses where chain = 'base' limit 1",
    );
    const row = { ...(rows[0] as Row & { wallet_id: string }), address: address.evm.toLowerCase() };
    const forge = (to: string, mac: unknown) =>
      owner.query('update deposit_addresses set address = $3, mac = $4 where wallet_id = $1 and chain = $2', [
        row.wallet_id,
        'base',
        to,
        mac,
      ]);
    await forge(row.address, pool.guard.macOf('deposit_addresses', row));
    const answer = await server.api.get('/v1/ledger/verify');
    await forge(rows[0]?.address as string, rows[0]?.mac);
    expect(answer.data).toMatchObject({
      ok: false,
      problems: [{ kind: 'deposit_address_wrong', id: row.wallet_id }],
    });
    expect((await server.api.get('/v1/ledger/verify')).data.problems).toEqual([]);
  });

  it('a revoked key whose old row was restored with its old code', () =>
    withRevokedKeyPutBack(async (prefix, id) => {
      const { problems } = await verifyRows(pool, pool.guard, null);
      expect(problems).toMatchObject([{ kind: 'row_not_authentic', id }]);
      expect((await findActiveKeys(pool, [prefix])).size).toBe(0);
    }));
});

/** The row that a revoked key had before, with the code that it had. */
async function withRevokedKeyPutBack(use: (prefix: string, id: string) => Promise<void>): Promise<void> {
  const { rows } = await pool.query<Row & { prefix: string }>(
    'select * from api_keys where revoked_at is not null',
  );
  const revoked = rows[0] as Row & { prefix: string };
  const set = 'update api_keys set revoked_at = $2, mac = $3 where id = $1';
  await owner.query(set, [revoked.id, null, pool.guard.macOf('api_keys', { ...revoked, revoked_at: null })]);
  try {
    await use(revoked.prefix, revoked.id);
  } finally {
    await owner.query(set, [revoked.id, revoked.revoked_at, revoked.mac]);
  }
}

describe('a forged row is not used:', () => {
  let writer: Writer;
  const forgedRows: string[] = [];

  /** A writer that has kept no rows yet. */
  const openWriter = (): Writer =>
    createWriter({
      databaseUrl: server.servingUrl,
      laneCount: 1,
      guard: pool.guard,
      clock: systemClock,
      nowIn: () => systemClock.now(),
      ids: createIdSource(systemClock),
      vault: createVault(masterKey),
      publicUrl: () => 'http://localhost:4000',
      events: {
        onBatch: () => undefined,
        onRetry: () => undefined,
        onFatal: (error) => forgedRows.push(error.message),
      },
    });

  /** A command that looks at a row. */
  const look = (table: Table, row: Row): Command<unknown> => ({
    name: 'look',
    environmentId,
    bucket: row.bucket,
    reads: () => [{ table: table as 'customers', bucket: row.bucket, id: row.id }],
    decide: (state) => ({ result: state.get(table as 'customers', row.id) }),
  });

  /** Changes fields of a row while `use` runs. */
  const forged = async (
    table: Table,
    change: string,
    use: (row: Row) => Promise<void>,
    where = 'true',
  ): Promise<void> => {
    const { rows } = await pool.query<Row>(`select * from ${table} where ${where} limit 1`);
    const row = rows[0] as Row;
    const { key }: AuthenticatedTable = authenticatedTables[table];
    const same = key.map((column, index) => `${column} = $${index + 1}`).join(' and ');
    const columns = [...change.matchAll(/(\w+) = /g)].map(([, column]) => column as string);
    const values = key.map((name) => row[name]);
    await owner.query('grant update on all tables in schema public to current_user');
    await owner.query(`update ${table} set ${change} where ${same}`, values);
    try {
      await use(row);
    } finally {
      const back = columns.map((column, index) => `${column} = $${key.length + index + 1}`).join(', ');
      await owner.query(`update ${table} set ${back} where ${same}`, [
        ...values,
        ...columns.map((column) => row[column]),
      ]);
    }
  };

  /** The command that reads the row fails, the others of its batch do not. */
  const refusedByWriter =
    (table: Table, change: string, where?: string): (() => Promise<void>) =>
    () =>
      forged(
        table,
        change,
        async (row) => {
          writer = openWriter();
          const { rows } = await pool.query<Row>(
            'select * from organisations where id <> $1 and bucket = 0',
            [row.id],
          );
          const beside = rows.length > 0 ? (rows[0] as Row) : { ...row, id: 'org_missing' };
          const [met, other] = await Promise.allSettled([
            writer.submit(look(table, row)),
            writer.submit(look('organisations', beside)),
          ]);
          await writer.close();
          expect(met).toMatchObject({ status: 'rejected', reason: expect.any(RowNotAuthenticError) });
          expect(String((met as PromiseRejectedResult).reason)).toContain(row.id);
          expect(other.status).toBe('fulfilled');
        },
        where,
      );

  const prefixOf = (): string => server.testKey.split('_')[2] ?? '';

  const uses: Readonly<Record<Table, readonly (() => Promise<void>)[]>> = {
    organisations: [
      refusedByWriter('organisations', "rate_limit = 'off'"),
      () =>
        forged('organisations', "rate_limit = 'off'", async () => {
          expect((await findActiveKeys(pool, [prefixOf()])).size).toBe(0);
        }),
    ],
    environments: [
      refusedByWriter('environments', 'clock_offset_ms = 5', "kind = 'test'"),
      () =>
        forged(
          'environments',
          "current_id = 'env_another'",
          async () => {
            expect((await findActiveKeys(pool, [prefixOf()])).size).toBe(0);
          },
          "kind = 'test'",
        ),
    ],
    api_keys: [
      refusedByWriter('api_keys', "name = 'another'"),
      async () => {
        // A forged key, whose secret the attacker knows.
        const key = drawKey();
        const secretHash = createHash('sha256').update(key.secret).digest();
        const insert = `insert into api_keys (bucket, id, environment_id, name, prefix, secret_hash, created_at, mac)
          select bucket, 'key_forged', environment_id, name, $1, $2, created_at, mac from api_keys
          where environment_id = $3 limit 1`;
        await owner.query(insert, [key.prefix, secretHash, environmentId]);
        const answer = await fetch(`${server.app.url}/v1/customers`, {
          headers: { authorization: `Bearer ${printKey('test', key)}` },
        });
        const { problems } = await verifyRows(pool, pool.guard, null);
        await owner.query("delete from api_keys where id = 'key_forged'");
        expect(answer.status).toBe(401);
        expect(problems).toMatchObject([{ kind: 'row_not_authentic', id: 'key_forged' }]);
      },
    ],
    api_key_revocations: [
      // It only ever takes a right away: one that was changed does so too.
      () =>
        forged('api_key_revocations', "revoked_at = now() + interval '1 year'", () =>
          withRevokedKeyPutBack(async (prefix) =>
            expect((await findActiveKeys(pool, [prefix])).size).toBe(0),
          ),
        ),
    ],
    customers: [
      refusedByWriter('customers', "kyc_status = 'rejected'"),
      refusedByWriter('customers', "key_salt = sha256('another')"),
      refusedByWriter('customers', 'key_salt = null, erased_at = now()'),
      async () => {
        // Links that were revoked do not come back with the number that they were made for.
        const customer = await newCustomer(server.api);
        await ok(server.api.post(`/v1/customers/${customer.id}/links/revoke`));
        expect((await openPage(customer.kycLink)).status).toBe(410);
        const ofCustomer = `id = '${customer.id}'`;
        await refusedByWriter('customers', 'link_generation = 0', ofCustomer)();
        await forged(
          'customers',
          'link_generation = 0',
          async () => expect((await openPage(customer.kycLink)).status).toBe(500),
          ofCustomer,
        );
      },
      async () => {
        const customer = await approvedCustomer(server.api);
        await forged(
          'customers',
          "kyc_status = 'rejected'",
          async () => {
            const answer = await fetch(`${server.app.url}/v1/customers/${customer.id}`, {
              headers: { authorization: `Bearer ${server.testKey}` },
            });
            expect(answer.status).toBe(500);
            expect(await answer.text()).not.toContain('Ada');
            const list = await ok(server.api.get('/v1/customers'));
            expect(list.map(({ id }: { id: string }) => id)).not.toContain(customer.id);
          },
          `id = '${customer.id}'`,
        );
      },
    ],
    identity_cases: [refusedByWriter('identity_cases', "status = 'approved'")],
    terms_acceptances: [
      () =>
        forged('terms_acceptances', "version = '9'", async (row) => {
          const customer = { bucket: row.bucket, id: row.customer_id as string };
          await expect(listAcceptances(pool, customer)).rejects.toThrow(RowNotAuthenticError);
        }),
    ],
    counterparties: [refusedByWriter('counterparties', "status = 'inactive'")],
    wallets: [refusedByWriter('wallets', 'derivation_index = 77')],
    deposit_addresses: [
      () =>
        forged('deposit_addresses', "address = 'stranger'", async (row) => {
          const wallet = { bucket: row.bucket, id: row.wallet_id as string };
          await expect(listDepositAddresses(db, wallet)).rejects.toThrow(RowNotAuthenticError);
        }),
      async () => {
        const owners = async () => {
          const book = createAddressBook(pool, 'base', (text) => text, []);
          await book.refresh();
          return book.size;
        };
        await newWallet(server.api);
        const live = `update wallets set environment_id = $1, mac = null where environment_id = $2`;
        await owner.query(live, [liveId, environmentId]);
        await authenticateRows(owner);
        const before = await owners();
        expect(before).toBeGreaterThan(0);
        await forged(
          'deposit_addresses',
          "address = 'stranger'",
          async () => expect(await owners()).toBe(before - 1),
          "chain = 'base'",
        );
        await owner.query(live, [environmentId, liveId]);
        await authenticateRows(owner);
      },
    ],
    transactions: [
      refusedByWriter('transactions', "destination_address = 'stranger'", "type = 'transfer'"),
      refusedByWriter('transactions', "transfer_proof = 'proof.v1.forged'", "type = 'transfer'"),
      async () => {
        // A live transfer that waits to be sent: no destination but the client's own.
        await owner.query(
          `update transactions set environment_id = $1, destination_payment_rail = 'base', status = 'funds_received',
            next_action_at = null, mac = null
            where type = 'transfer' and id not in (select id from internal_transfers)`,
          [liveId],
        );
        await authenticateRows(owner);
        const open = async () => {
          const pages = [];
          for await (const page of listOpenOnChain(pool, 'base', 'funds_received')) pages.push(...page);
          return pages.map(({ id }) => id);
        };
        const [id = ''] = await open();
        expect(id).not.toBe('');
        for (const change of [
          "destination_address = '0xstranger'",
          'final_minor = 77',
          "trace_id = 'x'",
          "transfer_proof = 'proof.v1.forged'",
        ]) {
          await forged(
            'transactions',
            change,
            async () => {
              expect(await open()).toEqual([]);
              expect((await findLiveTransfers(pool, [id])).size).toBe(0);
            },
            `id = '${id}'`,
          );
        }
        // Play money of a sandbox that says it is live.
        const environment = `id = '${liveId}'`;
        await forged(
          'environments',
          'created_at = now()',
          async () => expect(await open()).toEqual([]),
          environment,
        );
      },
    ],
    chain_deposits: [
      refusedByWriter('chain_deposits', 'amount_minor = 9000000'),
      async () => {
        expect(await listPending(pool, 'base', 10)).toHaveLength(1);
        await forged('chain_deposits', 'amount_minor = 9000000', async () =>
          expect(await listPending(pool, 'base', 10)).toEqual([]),
        );
      },
      async () => {
        // More forged rows than a page has, all before the real one.
        await owner.query(
          `insert into chain_deposits (bucket, id, environment_id, wallet_id, chain, tx_hash, height, block_id, currency,
              amount_minor, status, transaction_id, created_at, updated_at, mac)
            select d.bucket, 'forged' || n, d.environment_id, d.wallet_id, d.chain, d.tx_hash, 1, d.block_id, d.currency,
              d.amount_minor, d.status, d.transaction_id, d.created_at, d.updated_at, d.mac
            from chain_deposits d, generate_series(1, $1) n`,
          [limits.dueTransferBatch + 1],
        );
        const found = await listPending(pool, 'base', 10);
        await owner.query("delete from chain_deposits where id like 'forged%'");
        expect(found.map(({ deposit }) => deposit.height)).toEqual([7]);
      },
    ],
    screenings: [refusedByWriter('screenings', "verdict = 'allow'")],
    internal_transfers: [
      refusedByWriter('internal_transfers', 'amount_minor = 9000000'),
      () =>
        forged('internal_transfers', "status = 'open'", async () =>
          expect(await listOpenInternalTransfers(pool)).toEqual([]),
        ),
    ],
    virtual_accounts: [refusedByWriter('virtual_accounts', "account_key = 'another'")],
    webhooks: [
      refusedByWriter('webhooks', "url = 'http://stranger.example'"),
      refusedByWriter('webhooks', "created_by_key_id = 'key_another'"),
      () =>
        forged('webhooks', "url = 'http://stranger.example'", async (row) =>
          expect(await loadRecipients(pool, [{ bucket: row.bucket, webhook_id: row.id }])).toEqual([]),
        ),
    ],
    webhook_replays: [
      async () => {
        const { rows } = await pool.query<Row>('select * from webhook_replays');
        await owner.query(
          "update webhook_replays set status = 'running', event_ids = (select json_build_array(id)::json from events limit 1)",
        );
        await runReplays(
          pool,
          () => Date.now(),
          () => 0,
        );
        const after = await pool.query<Row>('select * from webhook_replays');
        await owner.query('update webhook_replays set event_ids = $1', [rows[0]?.event_ids]);
        expect(after.rows[0]).toMatchObject({ status: 'completed', queued: 0 });
      },
    ],
    chain_payments: [
      async () => {
        expect(await listPayments(pool, 'base')).toHaveLength(1);
        await forged('chain_payments', "address = '0xstranger'", async () =>
          expect(await listPayments(pool, 'base')).toEqual([]),
        );
      },
      async () => {
        const insert = `insert into chain_payments (chain, id, kind, sender, currency, address, amount, status, created_at,
          updated_at, mac) select chain, 'pay_2', kind, sender, currency, address, amount, 'withdrawn', now(), now(), mac
          from chain_payments`;
        await owner.query(insert);
        const withdrawn = await listWithdrawn(pool, ['pay_2']);
        await owner.query("delete from chain_payments where id = 'pay_2'");
        expect(withdrawn.size).toBe(0);
      },
    ],
    chain_drafts: [
      () =>
        forged('chain_drafts', "unsigned = '03'", async () => {
          await expect(findDraft(pool, 'pay_1', 2)).rejects.toThrow('is not authentic');
        }),
    ],
    chain_attempts: [
      () =>
        forged('chain_attempts', "tx_hash = '0xstranger'", async () =>
          expect(await listPayments(pool, 'base')).toEqual([]),
        ),
    ],
    void_attempts: [
      () =>
        forged('void_attempts', "tx_hash = '0xstranger'", async () =>
          expect(await listAttempts(pool, 'void_attempts', 'pay_1')).toEqual([]),
        ),
    ],
    operator_actions: [
      refusedByWriter('operator_actions', "reason = 'another'"),
      () =>
        forged('operator_actions', 'parameters = \'{"to":"0xstranger"}\'', async () =>
          expect(await listOpenActions(pool, 'base')).toEqual([]),
        ),
    ],
    chain_outflows: [
      // What nobody has explained stays unknown.
      async () => {
        expect(await listUnknown(pool, 'base')).toEqual([]);
        await forged('chain_outflows', "reference = 'another'", async () => {
          expect(await listUnknown(pool, 'base')).toMatchObject([{ txHash: '0x1' }]);
        });
      },
    ],
    treasury_outflows: [refusedByWriter('treasury_outflows', 'amount_minor = 77')],
    chain_holds: [
      // A release that no operator has made leaves the chain held.
      async () => {
        expect(await listHolds(pool, 'base')).toEqual([]);
        await forged('chain_holds', "release_reason = 'another'", async () => {
          expect(await listHolds(pool, 'base')).toMatchObject([{ id: 'hold_1' }]);
        });
      },
    ],
  };

  it.each(tables)('%s', async (table) => {
    expect(uses[table].length).toBeGreaterThan(0);
    for (const use of uses[table]) await use();
  });

  it('is logged by table and id', async () => {
    expect(errors.length).toBeGreaterThan(0);
    const lines = errors.map((line) => JSON.parse(line) as { table?: string; rowId?: string; msg: string });
    const told = lines.filter(({ msg }) => msg.startsWith('a row is not authentic'));
    expect(new Set(told.map(({ table }) => table)).size).toBeGreaterThan(5);
    expect(errors.join('')).not.toContain('stranger');
  });
});
