import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppOptions } from '../../server/src/app-options.ts';
import { createLogger } from '../../server/src/platform/logger.ts';
import { person, stoppedClock } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** What a server tells its operator, and those who look for them. */

let server: TestServer | undefined;
let lines: string[];
beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function start(options: Partial<AppOptions> = {}): Promise<TestServer> {
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  server = await startServer({ ...options, logger });
  return server;
}

describe('a header of a proxy from an address that is not trusted', () => {
  const warnings = () => lines.filter((line) => line.includes('--trust-proxy'));

  it.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP'])('is warned about once: %s', async (name) => {
    const { api } = await start();
    await api.get('/v1/customers');
    expect(warnings()).toEqual([]);
    for (let count = 0; count < 3; count += 1) await api.get('/v1/customers', { [name]: '203.0.113.9' });
    expect(warnings()).toHaveLength(1);
    expect(JSON.parse(warnings()[0] ?? '')).toMatchObject({ level: 'warn', header: name.toLowerCase() });
    expect(lines.join('')).not.toContain('203.0.113.9');
  });

  it('is warned about beside proxies that are trusted', async () => {
    const { api } = await start({ trustProxy: ['192.0.2.1'] });
    await api.get('/v1/customers', { 'x-forwarded-for': '203.0.113.9' });
    expect(warnings()).toHaveLength(1);
  });

  it('is not warned about when the proxy is trusted', async () => {
    const { api } = await start({ trustProxy: ['loopback'] });
    for (const address of ['203.0.113.9', '127.0.0.1']) {
      await api.get('/v1/customers', { 'x-forwarded-for': address, 'x-real-ip': address });
    }
    expect(warnings()).toEqual([]);
  });
});

describe('/.well-known/security.txt', () => {
  it('names the contact that is set, for less than a year (RFC 9116)', async () => {
    const clock = stoppedClock();
    const { app } = await start({
      clock,
      securityContact: 'mailto:security@example.com',
      publicUrl: 'https://ledger.example',
    });
    const answer = await fetch(`${app.url}/.well-known/security.txt`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    const text = await answer.text();
    const fields = new Map(text.split('\n').map((line) => line.split(/: (.*)/) as [string, string]));
    expect(text).toMatch(/^Contact: mailto:security@example\.com\n/);
    expect(fields.get('Canonical')).toBe('https://ledger.example/.well-known/security.txt');
    const days = (Date.parse(fields.get('Expires') ?? '') - clock.now()) / 86_400_000;
    expect(days).toBeGreaterThan(30);
    expect(days).toBeLessThan(365);
  });

  it('is not there without a contact', async () => {
    const { app } = await start();
    expect((await fetch(`${app.url}/.well-known/security.txt`)).status).toBe(404);
  });
});

it('an error of the database is logged by its code, without the values that it carries', async () => {
  const { api, ownerPool } = await start();
  await ownerPool.query(`create function fail() returns trigger language plpgsql as $$
    begin raise exception 'hunter2 %', new.id using detail = 'hunter2', hint = 'hunter2'; end $$`);
  await ownerPool.query(
    'create trigger fail before insert on customers for each row execute function fail()',
  );
  const answer = await api.post('/v1/customers', person);
  expect(answer.status).toBe(500);
  const text = lines.join('');
  expect(text).toContain('P0001');
  expect(text).toContain('request failed');
  expect(text + answer.text).not.toContain('hunter2');
});
