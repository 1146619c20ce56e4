import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Transfers that are screened before they are sent, and those that an operator decides about. */

const friend = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
const foe = '0x71C7656EC7ab88b098defB751B7401B5f6d8976F';
const known = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let file: { path: string; remove(): void };
let wallet: Awaited<ReturnType<typeof newLiveWallet>>;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337, blockTimeS: 1 });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null, confirmations: 1 }) });
  const rules = join(dirname(file.path), 'rules.json');
  const velocity = { hours: 1, transfersAbove: 30 };
  writeFileSync(rules, JSON.stringify({ deny: [foe], allow: [known], reviewAbove: '5', velocity }));
  server = await startServer({ chainsFile: file.path, screeningFile: rules });
  wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 500_000_000n]);
  const treasury = treasuryOf(server, 'base');
  await usdc.send('mint', [treasury, 500_000_000n]);
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
});
afterAll(async () => {
  await server?.stop();
  await anvil?.stop();
  file?.remove();
});

const send = async (amount: string, destinationAddress: string) =>
  ok(
    server.live.post(
      '/v1/transfers',
      transferBody(wallet, { amount, destinationPaymentRail: 'base', destinationAddress }),
    ),
  );

const transfers = (...args: string[]) =>
  runScript('cli/bin/openledger.mjs', {
    args: ['transfers', ...args],
    env: { DATABASE_URL: server.servingUrl, OPENLEDGER_MASTER_KEY: server.masterKey },
  });

async function succeeds(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await transfers(...args);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function fails(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await transfers(...args);
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  return stderr;
}

/** A transfer that the rules have put under review. */
async function underReview(amount = '6.00'): Promise<string> {
  const { id } = await send(amount, friend);
  const screened = async () =>
    (await server.app.pool.query('select verdict from screenings where id = $1', [id])).rows;
  await expect.poll(screened, { timeout: 20_000 }).toEqual([{ verdict: 'review' }]);
  return id;
}

test('what the rules allow is sent, what they deny comes back', async () => {
  await expect.poll(() => balanceOf(server.live, wallet.id), { timeout: 20_000 }).toBe('500.00');
  const [small, allowed, denied] = [
    await send('5.00', friend),
    await send('90.00', known),
    await send('1.00', foe),
  ];
  const refused = await inStatus(server.live, denied.id, 'refunded');
  expect(refused.statusReason ?? JSON.stringify(refused)).toContain('The address is on the deny list.');
  await inStatus(server.live, small.id, 'completed');
  await inStatus(server.live, allowed.id, 'completed');
  expect(await usdc.balanceOf(foe)).toBe(0n);
  expect(await usdc.balanceOf(known)).toBe(89_730_000n);
});

test('a transfer under review waits, is listed with its reason, and is sent or returned as decided', async () => {
  const before = await balanceOf(server.live, wallet.id);
  const sentBefore = await usdc.balanceOf(friend);
  expect(await succeeds('list', '--review')).toBe('No transfer needs a decision.\n');
  const [go, stop] = [await underReview('6.00'), await underReview('7.00')];
  const list = await succeeds('list');
  expect(list).toMatch(
    new RegExp(
      `^${go} {2}review {5} *\\d+s {2}6\\.00 usdc {2}base {2}${friend} {2}cus_\\w+ {2}The amount exceeds 5\\.00\\.$`,
      'm',
    ),
  );
  expect(await fails('approve', go, '--reason', '  ')).toContain('--reason: must have 1 to');
  expect(await succeeds('approve', go, '--reason', 'Invoice 7 was seen')).toBe(`${go} is approved.\n`);
  expect(await succeeds('reject', stop, '--reason', 'The payee is not known.')).toBe(
    `${stop} is rejected.\n`,
  );
  await inStatus(server.live, go, 'completed');
  const back = await inStatus(server.live, stop, 'refunded');
  expect(JSON.stringify(back)).toContain('The payee is not known.');
  expect(await usdc.balanceOf(friend)).toBe(sentBefore + 5_982_000n);
  expect(Number(await balanceOf(server.live, wallet.id))).toBe(Number(before) - 6);

  const { rows } = await server.app.pool.query(
    'select decision, decision_reason, decided_by, decided_at is not null as dated from screenings where id = any($1) order by id',
    [[go, stop]],
  );
  const by = userInfo().username;
  expect(rows).toEqual([
    { decision: 'approved', decision_reason: 'Invoice 7 was seen', decided_by: by, dated: true },
    { decision: 'rejected', decision_reason: 'The payee is not known.', decided_by: by, dated: true },
  ]);
  expect(await fails('reject', go, '--reason', 'late')).toContain(`${go} was approved by ${by} at `);
  expect(await fails('approve', stop, '--reason', 'late')).toContain('It is refunded');
  expect(await fails('approve', 'txn_nothing', '--reason', 'x')).toContain(
    'There is no transfer txn_nothing.',
  );
});

test('of two concurrent decisions of operators one counts; what was cancelled is not decided about', async () => {
  const id = await underReview();
  const sentBefore = await usdc.balanceOf(friend);
  const outcomes = await Promise.all([
    transfers('approve', id, '--reason', 'one'),
    transfers('reject', id, '--reason', 'two'),
  ]);
  expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 1]);
  const isApproved = outcomes[0]?.code === 0;
  await inStatus(server.live, id, isApproved ? 'completed' : 'refunded');
  expect(await usdc.balanceOf(friend)).toBe(sentBefore + (isApproved ? 5_982_000n : 0n));

  const cancelled = await underReview();
  await ok(server.live.post(`/v1/transfers/${cancelled}/cancel`, {}));
  expect(await fails('approve', cancelled, '--reason', 'too late')).toContain(
    `${cancelled} must be under review. It is refunded.`,
  );
  expect(await succeeds('list', '--review')).toBe('No transfer needs a decision.\n');
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});

test('transfers under review do not keep new ones from being screened', async () => {
  const waiting = await underReview();
  const next = await send('1.00', friend);
  await inStatus(server.live, next.id, 'completed');
  const { rows } = await server.app.pool.query('select count(*)::int as n from screenings where id = $1', [
    waiting,
  ]);
  expect(rows[0].n).toBe(1);
});
