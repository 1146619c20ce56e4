import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listHolds } from '../../server/src/onchain/holds/queries.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, depositsIn, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { runCommand } from '../support/command.ts';
import { inStatus, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Chains that are held: nothing is signed until an operator has looked. */

let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let file: { path: string; remove(): void };
let wallet: Awaited<ReturnType<typeof newLiveWallet>>;
let treasury: `0x${string}`;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337 });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null }) });
  server = await startServer({ chainsFile: file.path });
  treasury = treasuryOf(server, 'base');
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 1_000_000_000n]);
  await usdc.send('mint', [treasury, 1_000_000_000n]);
  await anvil.client.mine({ blocks: 3 });
});
afterAll(async () => {
  await server?.stop();
  await anvil?.stop();
  file?.remove();
});

const stranger = () => privateKeyToAddress(generatePrivateKey());

const send = (amount: string, destinationAddress: string) =>
  ok(
    server.live.post(
      '/v1/transfers',
      transferBody(wallet, { amount, destinationPaymentRail: 'base', destinationAddress }),
    ),
  );

async function succeeds(...args: string[]): Promise<string> {
  const { code, err, out } = await runCommand(server, ['chains', ...args]);
  expect({ code, err }, out).toEqual({ code: 0, err: '' });
  return out;
}

const heldMetric = async (): Promise<string | undefined> => {
  const text = await (await fetch(`${server.app.adminUrl}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith('openledger_chain_held'));
};

const attemptsOf = async (id: string): Promise<number> =>
  (await server.app.pool.query('select from chain_attempts where payment_id = $1', [id])).rowCount ?? 0;

test('a paused chain signs nothing, shows who paused it and why, and sends what waited when it is resumed', async () => {
  await depositsIn(server.live, wallet.id, ['completed']);
  expect(await succeeds('pause', 'base', '--reason', 'The node provider is being changed.')).toBe(
    'Nothing is signed on base until you run: openledger chains resume base\n',
  );
  const to = stranger();
  const transfer = await send('10.00', to);
  await inStatus(server.live, transfer.id, 'funds_received');
  await expect.poll(heldMetric).toBe('openledger_chain_held{chain="base",kind="paused"} 1');
  await anvil.client.mine({ blocks: 2 });
  expect(await succeeds('status')).toMatch(
    /held since .+ {2}paused by .+: The node provider is being changed\./,
  );
  expect(await attemptsOf(transfer.id)).toBe(0);
  // Pausing again keeps one hold.
  await succeeds('pause', 'base', '--reason', 'It is being changed by Alice.');
  const { pool } = server.app;
  expect(await listHolds(pool, 'base')).toMatchObject([
    { kind: 'paused', detail: 'It is being changed by Alice.' },
  ]);

  const resumed = JSON.parse(await succeeds('resume', 'base', '--reason', 'done', '--json'));
  expect(resumed).toMatchObject({ chain: 'base', released: [{ kind: 'paused' }] });
  await inStatus(server.live, transfer.id, 'payment_submitted');
  await anvil.client.mine({ blocks: 3 });
  await inStatus(server.live, transfer.id, 'completed');
  expect(await usdc.balanceOf(to)).toBe(9_970_000n);
  expect(await heldMetric()).toBe('openledger_chain_held{chain="base",kind="paused"} 0');
  expect(await succeeds('status')).toMatch(/payments +signed/);
  expect(await succeeds('resume', 'base', '--reason', 'again')).toBe('base is not held.\n');
});

test('what was signed before the pause is followed to its end, and is not replaced', async () => {
  await anvil.client.setAutomine(false);
  const to = stranger();
  const transfer = await send('5.00', to);
  await inStatus(server.live, transfer.id, 'payment_submitted');
  await succeeds('pause', 'base', '--reason', 'x');
  await anvil.client.mine({ blocks: 4 });
  await anvil.client.setAutomine(true);
  await inStatus(server.live, transfer.id, 'completed');
  expect(await attemptsOf(transfer.id)).toBe(1);
  await succeeds('resume', 'base', '--reason', 'x');
});
