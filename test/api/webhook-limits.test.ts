import { afterAll, beforeAll, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

it('bounds the data of a test event and the number of webhooks', async () => {
  const { api } = server;
  const body = { url: 'http://127.0.0.1:9/', events: ['wallet.created'] };
  const { id } = (await api.post('/v1/webhooks', body)).data;
  const tooMuch = { data: { text: 'x'.repeat(limits.testEventDataBytes) } };
  expect((await api.post(`/v1/webhooks/${id}/test`, tooMuch)).error.details?.[0]?.path).toBe('/data');
  for (let count = 1; count < limits.webhooksPerEnvironment; count += 1) await api.post('/v1/webhooks', body);
  const refused = await api.post('/v1/webhooks', body);
  expect([refused.status, refused.error.reason]).toEqual([409, 'too_many_webhooks']);
  await api.delete(`/v1/webhooks/${id}`);
  expect((await api.post('/v1/webhooks', body)).status).toBe(200);
});
