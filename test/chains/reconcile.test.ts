import { afterAll, beforeAll, expect, test } from 'vitest';
import { listHolds } from '../../server/src/onchain/holds/queries.ts';
import { listUnknown } from '../../server/src/onchain/outflows/queries.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, liveCustomer, liveWallet, writeChains } from '../support/chains/live.ts';
import { runCommand } from '../support/command.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The books beside a real chain: every difference is explained or reported. */

const stranger = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let file: { path: string; remove(): void };
let wallet: Awaited<ReturnType<typeof liveWallet>>;
let treasury: `0x${string}`;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337 });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null, minDeposit: '0.50' }) });
  server = await startServer({ chainsFile: file.path });
  treasury = server.app.treasuries.find(({ chain }) => chain === 'base')?.address as `0x${string}`;
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  wallet = await liveWallet(server.live, customer.id);
});
afterAll(async () => {
  await server?.stop();
  await anvil?.stop();
  file?.remove();
});

interface Printed {
  readonly code: number | null;
  readonly fault?: string;
  readonly held: { treasury: string; addresses: string };
  readonly explained: Record<string, string | null>;
  readonly unexplained: string;
}

async function reconcile(): Promise<Printed> {
  const { code, stderr, stdout } = await openledger(['--json']);
  const [chain] = stdout === '' ? [] : JSON.parse(stdout);
  if (!chain) throw new Error(stderr);
  return { code, fault: chain.fault, ...chain.tokens[0] };
}

const openledger = (args: readonly string[]) =>
  runScript('cli/bin/openledger.mjs', {
    args: ['reconcile', ...args],
    env: {
      DATABASE_URL: server.servingUrl,
      OPENLEDGER_MASTER_KEY: server.masterKey,
      OPENLEDGER_CHAINS_FILE: file.path,
    },
  });

const metric = async (name: string): Promise<string | undefined> => {
  const text = await (await fetch(`${server.app.adminUrl}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(name));
};

const untilRead = (height: bigint) =>
  expect
    .poll(
      async () => {
        const { rows } = await server.app.pool.query('select confirmed_height from chain_cursors');
        return BigInt(rows[0]?.confirmed_height ?? 0) >= height;
      },
      { timeout: 10_000 },
    )
    .toBe(true);

/** Mines until everything so far is deep enough, and waits until it has been read. */
async function settle(): Promise<void> {
  const height = await anvil.client.getBlockNumber({ cacheTime: 0 });
  await anvil.client.mine({ blocks: 2 });
  await untilRead(height);
}

test('the books agree after deposits, dust, funding and payments, each a line of its own', async () => {
  await usdc.send('mint', [wallet.address, 25_000_000n]);
  await usdc.send('mint', [wallet.address, 300_000n]);
  await usdc.send('mint', [treasury, 100_000_000n]);
  await settle();
  await expect.poll(() => balanceOf(server.live, wallet.id)).toBe('25.00');
  expect(await reconcile()).toMatchObject({
    code: 0,
    held: { treasury: '100.00', addresses: '25.30' },
    explained: { booked: '25.00', opening: '0.00', notCredited: '100.30' },
    unexplained: '0.00',
  });

  const body = transferBody(wallet, {
    amount: '10.00',
    destinationPaymentRail: 'base',
    destinationAddress: stranger,
  });
  const { id } = await ok(server.live.post('/v1/transfers', body));
  await inStatus(server.live, id, 'payment_submitted');
  await expect.poll(() => usdc.balanceOf(stranger), { timeout: 10_000 }).toBe(9_970_000n);
  await settle();
  await inStatus(server.live, id, 'completed');
  expect(await reconcile()).toMatchObject({
    code: 0,
    held: { treasury: '90.03', addresses: '25.30' },
    explained: { booked: '15.03' },
    unexplained: '0.00',
  });
});

test('what lies in blocks that are not deep enough is in neither of them', async () => {
  await usdc.send('mint', [wallet.address, 4_000_000n]);
  const pending = async () => (await ok(server.live.get('/v1/transactions?status=payment_submitted'))).length;
  await expect.poll(pending, { timeout: 10_000 }).toBe(1);
  expect(await reconcile()).toMatchObject({ code: 0, held: { addresses: '25.30' }, unexplained: '0.00' });
  await settle();
  expect(await reconcile()).toMatchObject({ code: 0, held: { addresses: '29.30' }, unexplained: '0.00' });
});

test('a payment that is mined and not yet booked, and a deposit that is booked early, are explained', async () => {
  const { pool } = server.app;
  // A server that is behind, or one that ended in between, leaves the books so.
  const { rows } = await pool.query("select id, tx_hash, height from chain_payments where kind = 'transfer'");
  const [payment] = rows;
  await pool.query(
    "update chain_leases set owner = 'another process', expires_at = now() + interval '1 minute'",
  );
  await pool.query('update chain_cursors set confirmed_height = $1', [Number(payment.height) - 1]);
  expect(await reconcile()).toMatchObject({
    code: 0,
    explained: { bookedLater: '9.97', creditedLater: '-4.00' },
    unexplained: '0.00',
  });
  await pool.query('delete from chain_leases');
  await settle();
  expect((await reconcile()).explained).toMatchObject({ bookedLater: '0.00', creditedLater: '0.00' });
});

test('the worker shows the difference as a metric', async () => {
  await expect
    .poll(() => metric('openledger_reconcile_difference'), { timeout: 10_000 })
    .toBe('openledger_reconcile_difference{chain="base",currency="usdc"} 0');
  expect(await metric('openledger_reconcile_timestamp_seconds')).toMatch(/\{chain="base"\} \d{10}/);
});

test('tokens that left the treasury without a payment are unexplained, and the command says so', async () => {
  await anvil.client.impersonateAccount({ address: treasury });
  await usdc.sendFrom(treasury, 'transfer', [stranger, 1_500_000n]);
  await anvil.client.stopImpersonatingAccount({ address: treasury });
  await settle();
  expect(await reconcile()).toMatchObject({ code: 1, unexplained: '-1.50' });
  const { code, stdout } = await openledger(['--chain', 'base']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^usdc on base, block \d+$/m);
  expect(stdout).toMatch(/^ +-1\.50 {2}unexplained$/m);
  expect(stdout).toMatch(/^ +19\.03 {2}custody on the books$/m);
});

test('a chain that is not configured, or whose nodes do not respond, is reported', async () => {
  expect(await openledger(['--chain', 'solana'])).toMatchObject({
    code: 1,
    stderr: 'error: --chain: solana must be configured in the chains file.\n',
  });
  const other = writeChains({ base: { ...chainEntry(anvil, { usdc }), rpc: ['http://127.0.0.1:9'] } });
  const { code, stdout } = await openledger(['--chains-file', other.path]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'base\n  No node is healthy.\n' });
  other.remove();
});

test('a difference that nothing explains holds payments until an operator has seen it, and not again for the same', async () => {
  await server.app.stop();
  // What the treasury was given is not on record any more.
  await server.ownerPool.query("delete from uncredited_deposits where reason = 'treasury_funding'");
  const first = await server.second();
  const details = async () =>
    (await listHolds(first.pool, 'base'))
      .filter(({ kind }) => kind === 'unexplained_difference')
      .map(({ detail }) => detail);
  await expect
    .poll(details, { timeout: 15_000 })
    .toEqual([expect.stringMatching(/^The books do not explain the balances on the chain: 98\.50 usdc\./)]);
  const [outflow] = await listUnknown(first.pool, 'base');
  const env = { OPENLEDGER_CHAINS_FILE: file.path };
  const adopt = ['chains', 'adopt', 'base', outflow?.txHash ?? '', '--reason', 'It was sent by hand.'];
  expect(await runCommand(server, adopt, env)).toMatchObject({ code: 0 });
  const resumed = await runCommand(server, ['chains', 'resume', 'base', '--reason', 'The row was lost.']);
  expect(resumed).toMatchObject({ code: 0, err: '' });
  await first.stop();

  const next = await server.second();
  const hasLooked = async () =>
    (await (await fetch(`${next.adminUrl}/metrics`)).text()).includes('reconcile_timestamp_seconds{');
  await expect.poll(hasLooked, { timeout: 10_000 }).toBe(true);
  expect(await listHolds(next.pool, 'base')).toEqual([]);
});
