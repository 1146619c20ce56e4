import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

it('lists all occupations and industries in one answer', async () => {
  const occupations = await server.api.get('/v1/reference/occupations');
  expect(occupations.data).toHaveLength(867);
  expect(occupations.data[0]).toEqual({ code: '11-1011', name: 'Chief Executives' });
  expect(occupations.nextCursor).toBeUndefined();
  const industries = await server.live.get('/v1/reference/industries');
  expect(industries.data).toHaveLength(1012);
  expect(industries.data[0]).toEqual({ code: '111110', name: 'Soybean Farming' });
});

it('searches them', async () => {
  const { api } = server;
  expect((await api.get('/v1/reference/industries?q=SOYBEAN+111110')).data).toEqual([
    { code: '111110', name: 'Soybean Farming' },
  ]);
  expect((await api.get('/v1/reference/occupations?q=15-1252')).data[0].name).toBe('Software Developers');
  expect((await api.get('/v1/reference/occupations?q=no+such+thing')).data).toEqual([]);
});

it('needs a key, and refuses what it does not know', async () => {
  const { api } = server;
  const anonymous = await fetch(`${server.app.url}/v1/reference/occupations`);
  expect(anonymous.status).toBe(401);
  expect((await api.get('/v1/reference/occupations?limit=5')).error.details?.[0]?.path).toBe('query.limit');
  expect((await api.get(`/v1/reference/occupations?q=${'x'.repeat(256)}`)).status).toBe(400);
});
