import { type Address, parseAbiItem, parseGwei } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChainPort } from '../../server/src/chains/port.ts';
import { reservePayment } from '../../server/src/onchain/payments/send-queue.ts';
import { readSpentToday, takeSweepCandidates } from '../../server/src/onchain/sweeps/queries.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { type Anvil, deployToken, keepMining, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, depositsIn, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { inStatus, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Deposits are moved into the treasury: on `base` by signature (EIP-3009), on `ethereum` with coin for gas. */

const transferEvent = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');
let base: Anvil;
let ethereum: Anvil;
let usdc: TestToken;
let plain: TestToken;
let server: TestServer;
let treasury: Address;
let stopMining: (() => void) | undefined;
let chainsFile: { path: string; remove(): void };

beforeAll(async () => {
  [base, ethereum] = await Promise.all([startAnvil({ chainId: 31_337 }), startAnvil({ chainId: 31_338 })]);
  usdc = await deployToken(base, 'TestToken', ['USD Coin', 'USDC']);
  plain = await deployToken(ethereum, 'OldToken', [6, 0]);
  const more = { sweepFrom: '10', confirmations: 2, pollMs: 50, sweeps: { maxCostPercent: '10' } };
  chainsFile = writeChains({
    base: chainEntry(base, { usdc }, more),
    ethereum: chainEntry(ethereum, { usdc: plain }, more),
  });
  server = await startServer({ chainsFile: chainsFile.path });
  treasury = treasuryOf(server, 'base');
  for (const { client } of [base, ethereum])
    await client.setBalance({ address: treasury, value: 10n ** 18n });
  stopMining = keepMining([base, ethereum], 200);
});
afterAll(async () => {
  stopMining?.();
  await server?.stop();
  for (const anvil of [base, ethereum]) await anvil?.stop();
  chainsFile?.remove();
});

interface Payment {
  readonly kind: string;
  readonly status: string;
  readonly amount: string;
}

/** What was done for a deposit address, the oldest first. */
async function errandsFor(address: string): Promise<Payment[]> {
  const { rows } = await server.app.pool.query<Payment>(
    `select kind, status, amount::text as amount from chain_payments where lower(address) = lower($1)
      order by created_at`,
    [address],
  );
  return rows;
}

/** What has moved from an address into the treasury, by the chain itself. */
async function movedFrom({ client }: Anvil, from: Address): Promise<bigint[]> {
  const logs = await client.getLogs({ event: transferEvent, args: { from, to: treasury }, fromBlock: 0n });
  return logs.map(({ args }) => args.value ?? 0n);
}

const custody = async () => {
  const accounts = await ok(server.live.get('/v1/ledger/accounts?kind=custody'));
  return accounts
    .map(({ balance, chain }: { balance: string; chain: string }) => `${chain} ${balance}`)
    .sort();
};

/** What the sweeps of an address have cost, as shares of what they moved, at 2,500 dollars for a coin. */
async function costShares({ client }: Anvil, from: Address): Promise<number[]> {
  const logs = await client.getLogs({ event: transferEvent, args: { from, to: treasury }, fromBlock: 0n });
  return Promise.all(
    logs.map(async ({ args, transactionHash: hash }) => {
      const { effectiveGasPrice, gasUsed } = await client.getTransactionReceipt({ hash });
      return (Number(gasUsed * effectiveGasPrice) / 1e18) * 2500 * (1e6 / Number(args.value));
    }),
  );
}

const waitingRows = async () => (await server.app.pool.query('select 1 from sweep_candidates')).rowCount;

test('where the token takes signatures, the treasury fetches a deposit; its address never needs coin', async () => {
  const wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 25_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  const before = await custody();
  await expect.poll(() => movedFrom(base, wallet.address), { timeout: 15_000 }).toEqual([25_000_000n]);
  await expect
    .poll(() => errandsFor(wallet.address), { timeout: 15_000 })
    .toEqual([{ kind: 'authorised_sweep', status: 'completed', amount: '25000000' }]);
  expect(await usdc.balanceOf(wallet.address)).toBe(0n);
  expect(await base.client.getBalance({ address: wallet.address })).toBe(0n);
  expect(await custody()).toEqual(before);
  await expect.poll(waitingRows, { timeout: 15_000 }).toBe(0);

  // Too little stays where it is until there is enough.
  await usdc.send('mint', [wallet.address, 6_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed', 'completed']);
  await expect.poll(waitingRows, { timeout: 15_000 }).toBe(0);
  expect(await movedFrom(base, wallet.address)).toEqual([25_000_000n]);
  await usdc.send('mint', [wallet.address, 5_000_000n]);
  await expect
    .poll(() => movedFrom(base, wallet.address), { timeout: 20_000 })
    .toEqual([25_000_000n, 11_000_000n]);
});

test('where it does not, the address is given coin for gas and sends itself; what was swept can be paid out', async () => {
  const wallet = await newLiveWallet(server);
  await plain.send('mint', [wallet.address, 30_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  await expect.poll(() => movedFrom(ethereum, wallet.address), { timeout: 25_000 }).toEqual([30_000_000n]);
  await expect
    .poll(async () => (await errandsFor(wallet.address)).map(({ kind, status }) => `${kind} ${status}`), {
      timeout: 15_000,
    })
    .toEqual(['top_up completed', 'sweep completed']);
  const to = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
  const more = { amount: '20.00', destinationPaymentRail: 'ethereum', destinationAddress: to };
  const transfer = await ok(server.live.post('/v1/transfers', transferBody(wallet, more)));
  await inStatus(server.live, transfer.id, 'completed');
  expect(await plain.balanceOf(to)).toBe(19_940_000n);
});

test('a sweep waits while it costs more than its share, and goes when fees have fallen', async () => {
  const wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 12_000_000n]);
  // Five dollars for a sweep; empty blocks lower it by an eighth each.
  await base.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('19') });
  await depositsIn(server.live, wallet.id, ['completed']);
  await expect.poll(() => movedFrom(base, wallet.address), { timeout: 25_000 }).toEqual([12_000_000n]);
  const [share] = await costShares(base, wallet.address);
  expect(share).toBeLessThan(0.1);
});

test('a top-up that higher fees have outgrown is repeated until the sweep is done', async () => {
  const wallet = await newLiveWallet(server);
  await plain.send('mint', [wallet.address, 3_000_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  const steps = async () => (await errandsFor(wallet.address)).map(({ kind, status }) => `${kind} ${status}`);
  const { client } = ethereum;
  await expect
    .poll(() => client.getBalance({ address: wallet.address }), { timeout: 15_000, interval: 20 })
    .toBeGreaterThan(0n);
  // From the block after the top-up on, until there is another one.
  const spike = setInterval(() => {
    client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('40') }).catch(() => undefined);
  }, 50);
  await expect.poll(async () => (await steps()).length, { timeout: 15_000 }).toBe(2);
  clearInterval(spike);
  await expect
    .poll(steps, { timeout: 25_000 })
    .toEqual(['top_up completed', 'top_up completed', 'sweep completed']);
  expect(await movedFrom(ethereum, wallet.address)).toEqual([3_000_000_000n]);
});

test('sweeps and payments have leases of their own: neither stops the other', async () => {
  const { pool } = server.app;
  const hold = (work: string) =>
    pool.query(
      `insert into chain_leases (chain, work, owner, expires_at)
        values ('base', $1, 'another process', now() + interval '1 hour')
        on conflict (chain, work) do update set owner = excluded.owner, expires_at = excluded.expires_at`,
      [work],
    );
  const release = () => pool.query("delete from chain_leases where owner = 'another process'");
  const to = privateKeyToAddress(generatePrivateKey());
  const wallet = await newLiveWallet(server);
  await hold('sweeps');
  await usdc.send('mint', [wallet.address, 40_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  const send = (amount: string) =>
    ok(
      server.live.post(
        '/v1/transfers',
        transferBody(wallet, { amount, destinationPaymentRail: 'base', destinationAddress: to }),
      ),
    );
  await inStatus(server.live, (await send('10.00')).id, 'completed');
  expect(await movedFrom(base, wallet.address)).toEqual([]);
  await release();
  await hold('payments');
  await expect.poll(() => movedFrom(base, wallet.address), { timeout: 15_000 }).toEqual([40_000_000n]);
  const waits = await send('5.00');
  await inStatus(server.live, waits.id, 'funds_received');
  await release();
  await inStatus(server.live, waits.id, 'completed');
});

test('a sweep that was reserved and not signed at a crash frees its nonce, and payments go on', async () => {
  const { pool } = server.app;
  const wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 40_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  await expect.poll(() => movedFrom(base, wallet.address), { timeout: 15_000 }).toEqual([40_000_000n]);
  const used = BigInt(await base.client.getTransactionCount({ address: treasury }));
  // The operator has taken the token out of the configuration: it can be neither prepared nor signed any more.
  const intent = {
    kind: 'authorised_sweep',
    currency: 'eurc',
    amount: 1n,
    address: wallet.address,
    index: 1,
  } as const;
  const reserved = await reservePayment(pool, 'base', treasury, 'authorised_sweep:crashed', intent, used);
  expect(reserved?.sequence).toBe(used);
  await pool.query("delete from chain_leases where chain = 'base'");
  await server.ownerPool.query(
    "update chain_payments set created_at = now() - interval '1 minute' where id = 'authorised_sweep:crashed'",
  );
  const to = privateKeyToAddress(generatePrivateKey());
  const more = { amount: '10.00', destinationPaymentRail: 'base', destinationAddress: to };
  const { id } = await ok(server.live.post('/v1/transfers', transferBody(wallet, more)));
  const { destinationTxHash } = await inStatus(server.live, id, 'completed');
  expect(BigInt((await base.client.getTransaction({ hash: destinationTxHash })).nonce)).toBe(used);
});

test('many deposits are each moved once, while transfers go on', async () => {
  const wallets = [];
  for (let count = 0; count < 12; count += 1) wallets.push(await newLiveWallet(server));
  for (const { address } of wallets) await usdc.send('mint', [address, 12_000_000n]);
  const before = await usdc.balanceOf(treasury);
  await expect
    .poll(async () => (await usdc.balanceOf(treasury)) - before, { timeout: 30_000 })
    .toBe(12n * 12_000_000n);
  for (const { address } of wallets) expect(await movedFrom(base, address)).toEqual([12_000_000n]);
  await expect.poll(waitingRows, { timeout: 20_000 }).toBe(0);
  for (const { address } of wallets) {
    expect(await errandsFor(address)).toEqual([
      { kind: 'authorised_sweep', status: 'completed', amount: '12000000' },
    ]);
  }
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});

test('what sweeps have cost on a day is what the chain has charged the treasury for them, and the coin that it gave', async () => {
  const { pool } = server.app;
  const openOnes = async () =>
    (await pool.query("select from chain_payments where status = 'open'")).rowCount;
  await expect.poll(openOnes, { timeout: 15_000 }).toBe(0);
  for (const { chain, client } of [
    { chain: 'base', client: base.client },
    { chain: 'ethereum', client: ethereum.client },
  ] as const) {
    const { rows } = await pool.query<{ kind: string; tx_hash: `0x${string}`; amount: string }>(
      "select kind, tx_hash, amount::text as amount from chain_payments where chain = $1 and kind <> 'transfer'",
      [chain],
    );
    let expected = 0n;
    for (const { amount, kind, tx_hash: hash } of rows) {
      const { effectiveGasPrice, gasUsed } = await client.getTransactionReceipt({ hash });
      // A deposit address pays for its own sweep.
      if (kind !== 'sweep') expected += gasUsed * effectiveGasPrice;
      if (kind === 'top_up') expected += BigInt(amount);
    }
    expect(expected).toBeGreaterThan(0n);
    const port = { chain, config: { family: 'evm' } } as ChainPort;
    expect(await readSpentToday(pool, port, [])).toBe(expected);
  }
});

test('a sweep and a top-up whose blocks vanish below the final ones are made again, each once', async () => {
  const wallet = await newLiveWallet(server);
  const hash = await plain.send('mint', [wallet.address, 40_000_000n]);
  await depositsIn(server.live, wallet.id, ['completed']);
  const errands = async () =>
    (await errandsFor(wallet.address)).map(({ kind, status }) => `${kind} ${status}`);
  await expect.poll(errands, { timeout: 25_000 }).toEqual(['top_up completed', 'sweep completed']);
  const request = ethereum.client.request as (call: {
    method: string;
    params: unknown[];
  }) => Promise<unknown>;
  const deposit = await request({ method: 'eth_getRawTransactionByHash', params: [hash] });
  const { blockNumber } = await ethereum.client.getTransactionReceipt({ hash });
  const before = await custody();
  stopMining?.();
  const head = await ethereum.client.getBlockNumber({ cacheTime: 0 });
  const depth = Number(head - blockNumber) + 1;
  await request({ method: 'anvil_reorg', params: [depth, [[deposit, 0]]] });
  expect(await movedFrom(ethereum, wallet.address)).toEqual([]);
  stopMining = keepMining([base, ethereum], 200);
  await expect.poll(() => movedFrom(ethereum, wallet.address), { timeout: 25_000 }).toEqual([40_000_000n]);
  await expect.poll(errands, { timeout: 25_000 }).toEqual(['top_up completed', 'sweep completed']);
  expect(await custody()).toEqual(before);
});

test('among a hundred thousand addresses the next few are found by an index', async () => {
  const { pool } = server.app;
  await pool.query(`insert into sweep_candidates (chain, address, currency, wallet_index, height, checked_at)
    select 'optimism', '0x' || n, 'usdc', n, n, now() - n * interval '1 second' from generate_series(1, 100000) n`);
  await server.ownerPool.query('analyze sweep_candidates');
  const taken = await takeSweepCandidates(pool, 'optimism');
  const oldest = Array.from({ length: limits.sweepsPerTurn }, (_, at) => 100_000 - at);
  expect(taken.map(({ index }) => index).sort((a, b) => b - a)).toEqual(oldest);
  const reads = async (): Promise<{ index: number; sequential: number }> => {
    const { rows } = await server.ownerPool.query(
      `select idx_scan::float8 as index, seq_tup_read::float8 as sequential
        from pg_stat_user_tables where relname = 'sweep_candidates'`,
    );
    return rows[0];
  };
  const before = await reads();
  for (let turn = 0; turn < 20; turn += 1)
    expect(await takeSweepCandidates(pool, 'optimism')).toHaveLength(limits.sweepsPerTurn);
  await expect
    .poll(async () => (await reads()).index, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(before.index + 20);
  // All of them were read once at most (by the analysis), not in each turn.
  expect((await reads()).sequential - before.sequential).toBeLessThan(200_000);
  await pool.query("delete from sweep_candidates where chain = 'optimism'");
});
