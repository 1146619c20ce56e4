import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newCustomer } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The requests of the documentation page, run as they stand: only the key is put in. */

interface Example {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly command: string;
}

type Answer = { ok: boolean; data: { id?: string } | { id?: string }[] };

let server: TestServer;
let page: string;
/** The variables of the reader's shell. */
const shell: Record<string, string> = {};
beforeAll(async () => {
  // The transfer stays in review until its example cancels it, and the next one moves it on.
  server = await startServer({ sandboxStepMs: 3_600_000 });
  page = await (await fetch(`${server.app.url}/docs`)).text();
  shell.KEY = server.testKey;
});
afterAll(() => server.stop());

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const plain = (text: string) => text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name) => entities[name] ?? '');

/** The blocks of code under a title. */
function blocks(html: string, title: string): string[] {
  const pattern = new RegExp(`<figcaption>${title}</figcaption><pre><code>(.*?)</code></pre>`, 'gs');
  return [...html.matchAll(pattern)].map(([, code = '']) => plain(code));
}

function examples(): Example[] {
  return page
    .split('<article class="operation" id="')
    .slice(1)
    .map((article) => ({
      operationId: article.slice(0, article.indexOf('"')),
      method: /<span class="method [a-z]+">([A-Z]+)</.exec(article)?.[1] ?? '',
      path: plain(/<p class="path">.*?<code>(.*?)<\/code>/.exec(article)?.[1] ?? ''),
      command: blocks(article, 'Request')[0] ?? '',
    }));
}

const run = promisify(execFile);

async function bash(script: string): Promise<string> {
  const env = { PATH: process.env.PATH, ...shell };
  return (await run('bash', ['-euo', 'pipefail', '-c', script], { env })).stdout;
}

/** When an example makes sense: things are made first and ended last. */
function turn({ method, operationId, path }: Example): number {
  if (/^reset/.test(operationId)) return 7;
  if (method === 'DELETE' || /^erase/.test(operationId)) return 6;
  if (/^(deactivate|revoke|close|advanceSandboxTransaction)/.test(operationId)) return 4;
  if (/^reactivate/.test(operationId)) return 5;
  // While it is in review: before the sandbox's clock is moved.
  if (/^cancel/.test(operationId)) return 0;
  if (method === 'POST') return path.includes('{') ? 3 : 0;
  return method === 'GET' ? 1 : 2;
}

/** Keeps the id that creating or listing a thing has answered, unless there is one already. */
function keepId({ path }: Example, { data }: Answer, all: readonly Example[]): void {
  const id = [data].flat()[0]?.id;
  const single = all.find((other) => other.path.startsWith(`${path}/{`));
  const name = /^\/\{(\w+)\}/.exec(single?.path.slice(path.length) ?? '')?.[1];
  if (id === undefined || name === undefined) return;
  shell[name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()] ??= id;
}

it('run, every one of them, and are answered with success', async () => {
  const section = page.slice(page.indexOf('id="first-steps"')).split('</section>')[0] ?? '';
  const [setKey, ...steps] = blocks(section, 'Shell');
  expect(setKey).toBe('KEY=ld_test_your_key');
  const told = await bash(`${steps.join('\n')}\necho; set | grep -E '^[A-Z_]+_ID='`);
  for (const [, name = '', id = ''] of told.matchAll(/^([A-Z_]+_ID)=(\w+)$/gm)) shell[name] = id;
  expect(Object.keys(shell).sort()).toEqual(['CUSTOMER_ID', 'KEY', 'TRANSACTION_ID', 'WALLET_ID']);

  const all = examples();
  expect(all.length).toBeGreaterThan(30);
  const failed: string[] = [];
  for (const example of all.toSorted((a, b) => turn(a) - turn(b))) {
    expect(example.command, example.operationId).toContain(server.app.url);
    if (example.path.includes('{deliveryId}')) await firstDelivery();
    // A customer of whom nothing keeps: the other one has money.
    if (example.operationId === 'eraseCustomer') shell.CUSTOMER_ID = (await newCustomer(server.api)).id;
    const output = await bash(example.command).catch((error: Error) => error.message);
    const answer = readAnswer(output);
    if (answer?.ok) keepId(example, answer, all);
    else failed.push(`${example.operationId}: ${output}`);
  }
  expect(failed).toEqual([]);
});

/** The reader's webhook has been tried by then, whatever came of it. */
async function firstDelivery(): Promise<void> {
  const list = async () => (await server.api.get(`/v1/webhooks/${shell.WEBHOOK_ID}/deliveries`)).data;
  await expect.poll(async () => (await list()).length, { timeout: 40_000 }).toBeGreaterThan(0);
  shell.DELIVERY_ID = (await list())[0].id;
}

function readAnswer(output: string): Answer | undefined {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}
