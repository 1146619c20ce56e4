import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

async function get(path: string, headers: Record<string, string> = {}, url = server.app.url) {
  const answer = await request(url + path, { headers });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, bytes };
}

describe('probes and metrics', () => {
  it.each(['/metrics', '/livez', '/readyz'])('%s is on the admin listener only', async (path) => {
    const ofPublic = await get(path);
    expect(ofPublic.status).toBe(404);
    expect(JSON.parse(String(ofPublic.bytes))).toMatchObject({
      ok: false,
      error: { code: 'NOT_FOUND', reason: 'route_not_found' },
    });
    expect((await get(path, {}, server.app.adminUrl)).status).toBe(200);
  });

  it('the admin listener has nothing of the API', async () => {
    for (const path of ['/v1/health', '/docs', '/openapi.json', '/'])
      expect((await get(path, {}, server.app.adminUrl)).status).toBe(404);
  });

  it('several servers on one machine each have one of their own', async () => {
    const second = await server.second();
    expect(second.adminUrl).not.toBe(server.app.adminUrl);
    expect((await get('/livez', {}, second.adminUrl)).status).toBe(200);
  });

  it('a port that was set and is in use is an error that names the setting', async () => {
    const { port } = new URL(server.app.adminUrl ?? '');
    await expect(server.second({ adminPort: Number(port) })).rejects.toThrow(
      /^OPENLEDGER_ADMIN_PORT: 127\.0\.0\.1:\d+ is in use already\. .*--admin-port/,
    );
  });

  it('can be off', async () => {
    const second = await server.second({ adminPort: 'off' });
    expect(second.adminUrl).toBeUndefined();
  });
});
