import { afterAll, beforeAll, expect, it } from 'vitest';
import { deposit, newCustomer, newWallet, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The example request of every operation of the OpenAPI document, sent as it is: only ids are filled in. */

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly example?: string;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly example?: object } } };
  readonly 'x-examples'?: { readonly request?: object };
}

interface Example {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

let server: TestServer;
let examples: Example[];
/** Ids that responses contained, by the name of the parameter or field that takes them. */
const ids: Record<string, string> = {};
beforeAll(async () => {
  // The transfer stays in review until its example cancels it, and the next one advances it.
  server = await startServer({ sandboxStepMs: 3_600_000 });
  const { paths } = (await (await fetch(`${server.app.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  examples = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
});
afterAll(() => server.stop());

/** When an example can succeed: objects are created first and ended last. */
function turn({ method, operation: { operationId }, path }: Example): number {
  if (/^reset/.test(operationId)) return 7;
  if (method === 'DELETE' || /^erase/.test(operationId)) return 6;
  if (/^(deactivate|revoke|close|advanceSandboxTransaction)/.test(operationId)) return 4;
  if (/^reactivate/.test(operationId)) return 5;
  // While it is in review: before the sandbox's clock advances.
  if (/^cancel/.test(operationId)) return 0;
  if (method === 'POST') return path.includes('{') ? 3 : 0;
  return method === 'GET' ? 1 : 2;
}

/** Replaces example ids by those of objects that exist. */
function withIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIds);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, ids[name] ?? withIds(member)]),
  );
}

async function send({ method, operation, path }: Example): Promise<{ ok: boolean; data: unknown }> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? `no-${name}`);
  const query = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === 'query' && parameter.required)
    .map(({ example = '', name }) => `${name}=${encodeURIComponent(example)}`);
  const body = operation['x-examples']?.request ?? operation.requestBody?.content['application/json'].example;
  const url = `${server.app.url}${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`;
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${server.testKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(withIds(body)) }),
  });
  return (await answer.json()) as { ok: boolean; data: unknown };
}

/** Keeps the id that creating or listing an object returned, unless one is known already. */
function keepId({ path }: Example, data: unknown): void {
  const [first] = [data].flat() as { id?: string }[];
  const single = examples.find((other) => other.path.startsWith(`${path}/{`));
  const name = /^\/\{(\w+)\}/.exec(single?.path.slice(path.length) ?? '')?.[1];
  if (first?.id !== undefined && name !== undefined) ids[name] ??= first.id;
}

/** The webhook has an attempt by then, whatever its result. */
async function firstDelivery(): Promise<string> {
  const list = async () => (await server.api.get(`/v1/webhooks/${ids.webhookId}/deliveries`)).data;
  await expect.poll(async () => (await list()).length, { timeout: 40_000 }).toBeGreaterThan(0);
  return (await list())[0].id;
}

it('every example request succeeds', async () => {
  const wallet = await newWallet(server.api);
  await deposit(server.api, wallet.id, '100.00');
  const transfer = await ok(server.api.post('/v1/transfers', transferBody(wallet)));
  Object.assign(ids, { customerId: wallet.customerId, walletId: wallet.id, transactionId: transfer.id });
  expect(examples.length).toBeGreaterThan(50);
  const failed: string[] = [];
  for (const example of examples.toSorted((a, b) => turn(a) - turn(b))) {
    // Only for keys that the server names.
    if (example.path.startsWith('/v1/treasury/')) continue;
    if (example.path.includes('{deliveryId}')) ids.deliveryId = await firstDelivery();
    // A customer without money: the other one cannot be erased.
    if (example.operation.operationId === 'eraseCustomer')
      ids.customerId = (await newCustomer(server.api)).id;
    const answer = await send(example);
    if (answer.ok) keepId(example, answer.data);
    else failed.push(`${example.operation.operationId}: ${JSON.stringify(answer)}`);
  }
  expect(failed).toEqual([]);
});
