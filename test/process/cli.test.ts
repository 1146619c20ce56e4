import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ApiClient, createClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { ok } from '../support/factories.ts';
import {
  endLaunched,
  makeTempDir,
  postgresPid,
  runScript,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';

let directory: { path: string; remove(): Promise<void> };
let dataDir: string;

beforeAll(async () => {
  directory = await makeTempDir();
  dataDir = join(directory.path, 'data');
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

/** Runs the command line tool on the data directory. */
function openledger(args: readonly string[], env: Record<string, string> = {}) {
  return runScript('cli/bin/openledger.mjs', {
    args,
    env: { OPENLEDGER_DATA_DIR: dataDir, ...env },
    cwd: directory.path,
  });
}

/** A run that must go well. @returns what it printed */
async function succeeds(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await openledger(args, env);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** A run that must fail. @returns what it said */
async function fails(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await openledger(args, env);
  expect(code, stdout + stderr).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr.trim()).not.toBe('');
  return stderr;
}

async function statusWith(server: ServerProcess, key: string): Promise<number> {
  const answer = await fetch(`${server.url}/v1/customers`, { headers: { authorization: `Bearer ${key}` } });
  await answer.text();
  return answer.status;
}

const keyPattern = /^ld_(test|live)_([0-9A-Za-z]+)_([0-9A-Za-z]+)\n$/;

/** The prefix and the secret of a printed key. */
function partsOf(printed: string): { key: string; prefix: string; secret: string } {
  const [, , prefix = '', secret = ''] = keyPattern.exec(printed) ?? [];
  expect(printed).toMatch(keyPattern);
  return { key: printed.trim(), prefix, secret };
}

describe('without any data', () => {
  test('says how to begin and makes nothing', async () => {
    for (const args of [['keys', 'list'], ['keys', 'create', '--env', 'test'], ['verify']]) {
      const missing = join(directory.path, 'missing');
      expect(await fails([...args, '--data-dir', missing])).toMatch(
        /^error: There is no data in .*npm start/,
      );
      expect(existsSync(missing)).toBe(false);
    }
  });

  test('an empty directory is no data either', async () => {
    const empty = join(directory.path, 'empty');
    await mkdir(empty);
    expect(await fails(['keys', 'list', '--data-dir', empty])).toMatch(/^error: There is no data/);
    expect(existsSync(join(empty, 'postgres'))).toBe(false);
  });
});

describe('beside a running server', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServerProcess({ args: ['--data-dir', dataDir] });
  });
  afterAll(async () => {
    expect((await server.stop()).code).toBe(0);
  });

  test('a new key works immediately; the list shows it without its secret; revoked it is refused', async () => {
    const { key, prefix, secret } = partsOf(
      await succeeds(['keys', 'create', '--env', 'test', '--name', 'night batch']),
    );
    expect(await statusWith(server, key)).toBe(200);
    const list = await succeeds(['keys', 'list']);
    expect(list).toContain(`ld_test_${prefix}_…`);
    expect(list).toContain('night batch');
    for (const hidden of [secret, server.testKey, server.liveKey])
      expect(list).not.toContain(hidden?.split('_').at(-1));
    const line = list.split('\n').find((text) => text.includes(prefix)) ?? '';
    const [id = ''] = line.split('  ');
    expect(id).toMatch(/^key_/);
    expect(line).toContain('active');

    expect(await succeeds(['keys', 'revoke', id])).toBe(`${id} is revoked.\n`);
    await expect.poll(() => statusWith(server, key), { timeout: 3000 }).toBe(401);
    expect((await succeeds(['keys', 'list'])).split('\n').find((text) => text.includes(prefix))).toMatch(
      /revoked \d{4}-\d\d-\d\dT/,
    );
    expect(await succeeds(['keys', 'revoke', prefix])).toBe(`${id} is revoked.\n`);
    expect(await statusWith(server, server.testKey ?? '')).toBe(200);
  });

  test('revoking a key lists the webhooks that it made, and disables them when told to', async () => {
    const { key, prefix } = partsOf(await succeeds(['keys', 'create', '--env', 'test']));
    const api = await createClient(server.url, key);
    const owner = await createClient(server.url, server.testKey ?? '');
    const create = (client: ApiClient, url: string) =>
      ok(client.post('/v1/webhooks', { url, events: ['*'] }));
    const other = await create(owner, 'https://example.com/other');
    const gone = await create(api, 'https://example.com/gone');
    await ok(api.delete(`/v1/webhooks/${gone.id}`));
    const made = [
      await create(api, 'https://example.com/one'),
      await create(api, 'https://example.com/\u202etwo'),
    ];
    const statuses = () =>
      Promise.all(
        [...made, other].map(async ({ id }) => (await ok(owner.get(`/v1/webhooks/${id}`))).status as string),
      );

    const listed = await succeeds(['keys', 'revoke', prefix]);
    expect(listed).toMatch(/^key_\w+ is revoked\.\nIt made 2 webhooks:\n/);
    for (const { id } of made) expect(listed).toContain(id);
    for (const { id } of [other, gone]) expect(listed).not.toContain(id);
    expect(listed).toContain('https://example.com/\\u202etwo');
    expect(listed).not.toMatch(/\u202e/);
    expect(listed).toContain('--disable-webhooks');
    expect(await statuses()).toEqual(['active', 'active', 'active']);

    const disabled = await succeeds(['keys', 'revoke', prefix, '--disable-webhooks']);
    expect(disabled.match(/ disabled {2}https/g)).toHaveLength(2);
    expect(await statuses()).toEqual(['disabled', 'disabled', 'active']);
    const shown = await ok(owner.get(`/v1/webhooks/${made[0]?.id}`));
    expect(shown).toMatchObject({
      disabledReason: 'requested',
      createdByKeyId: /^(key_\w+) /.exec(listed)?.[1],
    });
    await ok(owner.delete(`/v1/webhooks/${other.id}`));
  });

  test('a live key opens the live environment', async () => {
    const { key } = partsOf(await succeeds(['keys', 'create', '--env', 'live']));
    expect(key).toMatch(/^ld_live_/);
    expect(await statusWith(server, key)).toBe(200);
    expect(await statusWith(server, key.replace('ld_live_', 'ld_test_'))).toBe(401);
  });

  test('verify finds the books clean, and the server goes on', async () => {
    expect(JSON.parse(await succeeds(['verify']))).toMatchObject({ ok: true, problems: [] });
    expect(await statusWith(server, server.testKey ?? '')).toBe(200);
  });

  test('what is asked wrongly is reported with a clear message', async () => {
    expect(await fails(['keys', 'revoke', 'key_nothing'])).toContain('The key key_nothing does not exist');
    expect(await fails(['keys', 'create'])).toContain('--env');
    expect(await fails(['keys', 'create', '--env', 'staging'])).toMatch(/--env.*test, live/);
    expect(await fails(['keys', 'revoke'])).toContain("missing required argument 'key'");
    expect(await fails(['nonsense'])).toContain("unknown command 'nonsense'");
    expect(await fails(['verify', '--nonsense'])).toContain("unknown option '--nonsense'");
  });

  test('a whole key given to revoke is not repeated', async () => {
    const { key, secret } = partsOf(await succeeds(['keys', 'create', '--env', 'test']));
    const { stderr, stdout } = await openledger(['keys', 'revoke', key]);
    expect(stdout + stderr).not.toContain(secret);
  });

  test('wrong settings are named and not shown', async () => {
    const wrong = {
      OPENLEDGER_MASTER_KEY: 'hunter2hunter2',
      DATABASE_URL: 'hunter2hunter2',
      OPENLEDGER_LOG_LEVEL: 'hunter2hunter2',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const stderr = await fails(['keys', 'list'], { [name]: value });
      expect(stderr).toContain(name);
      expect(stderr).not.toContain(value);
    }
  });
});

describe('without a server', () => {
  test('starts the embedded database for itself and stops it again', async () => {
    expect(await postgresPid(dataDir)).toBeUndefined();
    const { key } = partsOf(await succeeds(['keys', 'create', '--env', 'test']));
    expect(await postgresPid(dataDir)).toBeUndefined();
    expect(existsSync(join(dataDir, 'running.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'owner.json'))).toBe(false);

    const server = await startServerProcess({ args: ['--data-dir', dataDir] });
    expect(await statusWith(server, key)).toBe(200);
    await server.stop();
    expect(await succeeds(['keys', 'list'])).toMatch(/^key_/);
  });

  test('verify: 0 for clean books, 1 and the problems for broken ones', async () => {
    expect(JSON.parse(await succeeds(['verify']))).toMatchObject({ ok: true });
    const database = await createDatabase();
    try {
      const { code, stdout } = await openledger(['verify'], { DATABASE_URL: database.servingUrl });
      expect({ code, ok: JSON.parse(stdout).ok }).toEqual({ code: 0, ok: true });
      await breakBooks(database.url);
      const broken = await openledger(['verify'], { DATABASE_URL: database.servingUrl });
      expect(broken.code).toBe(1);
      expect(JSON.parse(broken.stdout)).toMatchObject({ ok: false });
      expect(JSON.parse(broken.stdout).problems.length).toBeGreaterThan(0);
    } finally {
      await database.drop();
    }
  });

  test('a database that is not there, or not ours, is reported with a clear message', async () => {
    const unreachable = 'postgres://someone:correcthorse@127.0.0.1:1/ledger';
    const stderr = await fails(['keys', 'list'], { DATABASE_URL: unreachable });
    expect(stderr).toMatch(/^error: DATABASE_URL/);
    expect(stderr).not.toContain('correcthorse');
    const url = new URL(inject('databaseUrl'));
    expect(await fails(['keys', 'list'], { DATABASE_URL: url.href })).toMatch(/npm start/);
  });

  test('an error of the database is shown by its code, without the values that it carries', async () => {
    const database = await createDatabase();
    const env = { DATABASE_URL: database.url, OPENLEDGER_MASTER_KEY: randomBytes(32).toString('hex') };
    try {
      await (await startServerProcess({ args: ['--log-level', 'error'], env })).stop();
      await runSql(
        database.url,
        `create function fail() returns trigger language plpgsql as $$
          begin raise exception 'hunter2 %', new.prefix using detail = 'hunter2'; end $$;
        create trigger fail before insert on api_keys for each row execute function fail()`,
      );
      const stderr = await fails(['keys', 'create', '--env', 'test'], env);
      expect(stderr).toMatch(/^error: database error P0001/);
      expect(stderr).not.toContain('hunter2');
    } finally {
      await database.drop();
    }
  });

  test('with a database of its own it leaves nothing in the data directory', async () => {
    const database = await createDatabase();
    const other = join(directory.path, 'other');
    const env = {
      DATABASE_URL: database.servingUrl,
      OPENLEDGER_DATA_DIR: other,
      OPENLEDGER_MASTER_KEY: randomBytes(32).toString('hex'),
    };
    try {
      const server = await startServerProcess({ args: ['--log-level', 'error'], env });
      const { key } = partsOf(await succeeds(['keys', 'create', '--env', 'test'], env));
      expect(await statusWith(server, key)).toBe(200);
      await server.stop();
      // Keys need no master key, so none is asked for and none is made.
      const third = join(directory.path, 'third');
      expect(
        await succeeds(['keys', 'list'], { DATABASE_URL: database.servingUrl, OPENLEDGER_DATA_DIR: third }),
      ).toMatch(/^key_/);
      expect(existsSync(third)).toBe(false);
    } finally {
      await database.drop();
    }
  });
});

test('--help and --version', async () => {
  const help = await succeeds(['--help']);
  for (const name of ['keys', 'verify', 'DATABASE_URL', 'OPENLEDGER_DATA_DIR']) expect(help).toContain(name);
  expect(await succeeds(['keys', '--help'])).toMatch(/create.*list.*revoke/s);
  expect(await succeeds(['keys', 'create', '--help'])).toContain('--env');
  expect(await succeeds(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** An account that holds money which no posting brought. */
async function breakBooks(databaseUrl: string): Promise<void> {
  await runSql(
    databaseUrl,
    `insert into accounts (bucket, id, environment_id, kind, normal_side, currency, balance_minor, version,
        created_at, updated_at)
      values (0, 'broken', 'env_broken', 'fee_revenue', 'credit', 'usdc', 1, 1, now(), now())`,
  );
}

async function runSql(databaseUrl: string, sql: string): Promise<void> {
  const client = new Client(databaseUrl);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
