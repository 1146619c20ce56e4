import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { liveCustomer, writeChains } from '../support/chains/live.ts';
import { foreignToken, startTron, type TronNode } from '../support/chains/tron.ts';
import {
  fundWallet,
  sendUsdt,
  startRates,
  type TronWallet,
  tronEntry,
  tronWallet,
  withoutFees,
} from '../support/chains/tron-live.ts';
import { blockAnswer, infoAnswer, recorded } from '../support/chains/tron-responses.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import type { Receiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Deposits and transfers on a stand-in for a full node: its answers have the form of recorded ones. */

const stranger = 'TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt';
const trx = 1_000_000;
let tron: TronNode;
let rates: Receiver;
let server: TestServer;
let file: { path: string; remove(): void };
let treasury: string;
let wallet: TronWallet;
/** Sends, and takes no deposits of the tests. */
let payer: TronWallet;

const settings = ({ path }: { path: string }) => ({
  chainsFile: path,
  ratesUrl: rates.url,
  ratesMapping: '/rates/{TO}',
});

beforeAll(async () => {
  tron = await startTron();
  rates = await startRates();
  file = writeChains({ tron: tronEntry(tron) });
  server = await startServer({ ...settings(file), ...withoutFees });
  treasury = server.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
  tron.ledger.giveSun(treasury, 100_000 * trx);
  tron.pay({ to: treasury, amount: 1_000_000_000_000n });
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  wallet = await tronWallet(server.live, customer.id);
  payer = await tronWallet(server.live, customer.id);
  tron.ledger.mine(5);
  await fundWallet(server.live, tron, payer, 1_000_000_000n);
});
afterAll(async () => {
  await server?.stop();
  await tron?.stop();
  await rates?.stop();
  file?.remove();
});

const newestDeposit = async (of: TronWallet = wallet) =>
  (await ok(server.live.get(`/v1/transactions?type=deposit&walletId=${of.id}`)))[0];
const poll = (read: () => Promise<unknown> | unknown) => expect.poll(async () => read(), { timeout: 10_000 });
const reachedHead = () =>
  poll(async () => {
    const { rows } = await server.app.pool.query(
      'select confirmed_height, scanned_height from chain_cursors',
    );
    return [Number(rows[0]?.confirmed_height), Number(rows[0]?.scanned_height)];
  }).toEqual([tron.ledger.head().number - 2, tron.ledger.head().number]);
/** The server has asked so often that each of its workers has had several turns. */
const lookedAgain = () => {
  const enough = tron.requests() + 40;
  return poll(() => tron.requests() > enough).toBe(true);
};
const reasonOf = async (txHash: string) => {
  const { rows } = await server.app.pool.query(
    'select reason, address from uncredited_deposits where tx_hash = $1',
    [txHash],
  );
  return rows[0]?.reason;
};
/** What the treasury has sent to an address, by the chain's word. */
const paidTo = (address: string) =>
  tron.ledger.blocks.flatMap(({ results }) =>
    results.flatMap(({ item, transfers }) =>
      item.kind === 'signed'
        ? transfers.filter(({ from, to }) => from === treasury && to === address).map(({ amount }) => amount)
        : [],
    ),
  );
const send = (usdtMinor: bigint) => sendUsdt(server.live, payer, usdtMinor, stranger);
const attemptsOf = async (id: string): Promise<{ tx_hash: string }[]> =>
  (
    await server.app.pool.query('select tx_hash from chain_attempts where payment_id = $1 order by number', [
      id,
    ])
  ).rows;
const openPayments = async (): Promise<{ attention: string | null }[]> =>
  (await server.app.pool.query("select attention from chain_payments where status = 'open'")).rows;
const verified = async () =>
  expect(await ok(server.live.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });

test('the stand-in answers in the form of what real nodes have answered', () => {
  const keys = (value: unknown): string[] => Object.keys(value as object);
  const form = (name: string) => recorded[name]?.answer as Record<string, object>;
  const { blocks } = tron.ledger;
  const block = blocks.find(({ results }) => results.length > 0);
  if (!block?.results[0]) throw new Error('No block holds a transaction');
  const header = blockAnswer(block, false) as Record<string, { raw_data: object }>;
  expect(keys(header)).toEqual(keys(form('header')));
  const rawKeys = keys((form('header').block_header as { raw_data: object }).raw_data);
  expect(rawKeys).toEqual(expect.arrayContaining(keys(header.block_header?.raw_data)));
  const info = infoAnswer(block, block.results[0]) as Record<string, object[]>;
  const real = form('usdtOutcome') as Record<string, object[]>;
  expect(keys(real)).toEqual(expect.arrayContaining(keys(info)));
  expect(keys(real.log?.[0])).toEqual(keys(info.log?.[0]));
});

describe('deposits', () => {
  test('one shows as pending, and is converted and credited once when it is deep enough', async () => {
    const txHash = tron.pay({ to: wallet.address, amount: 25_000_000n });
    tron.ledger.mine();
    await poll(async () => (await newestDeposit())?.status).toBe('payment_submitted');
    expect(await balanceOf(server.live, wallet.id)).toBe('0.00');
    tron.ledger.mine(2);
    await poll(async () => (await newestDeposit()).status).toBe('completed');
    expect(await newestDeposit()).toMatchObject({
      sourceTxHash: txHash,
      amount: '25.00',
      sourceCurrency: 'usdt',
    });
    expect(await balanceOf(server.live, wallet.id)).toBe('20.00');
    tron.ledger.mine(5);
    await reachedHead();
    expect(await balanceOf(server.live, wallet.id)).toBe('20.00');
  });

  test('two in one transaction are two', async () => {
    const before = await ok(server.live.get(`/v1/transactions?type=deposit&walletId=${wallet.id}`));
    const each = { to: wallet.address, amount: 1_000_000n };
    tron.pay(each, each);
    tron.ledger.mine(3);
    await reachedHead();
    const after = await ok(server.live.get(`/v1/transactions?type=deposit&walletId=${wallet.id}`));
    expect(after.length - before.length).toBe(2);
    await verified();
  });

  test('what is no deposit is not credited, and the operator sees it', async () => {
    const balance = await balanceOf(server.live, wallet.id);
    const to = wallet.address;
    const foreign = tron.pay({ to, amount: 5_000_000n, token: foreignToken });
    const zero = tron.pay({ to, amount: 0n });
    const dust = tron.pay({ to, amount: 9n });
    const failed = (['REVERT', 'OUT_OF_ENERGY'] as const).map((result) =>
      tron.pay({ to, amount: 7_000_000n, result }),
    );
    tron.ledger.mine(4);
    await reachedHead();
    expect(await Promise.all([foreign, zero, dust].map(reasonOf))).toEqual([
      'unlisted_token',
      'zero_value',
      'below_minimum',
    ]);
    expect(await Promise.all(failed.map(reasonOf))).toEqual([undefined, undefined]);
    expect(await balanceOf(server.live, wallet.id)).toBe(balance);
  });

  test('one whose block is replaced before it is deep enough is taken back', async () => {
    const balance = await balanceOf(server.live, wallet.id);
    const gone = tron.pay({ to: wallet.address, amount: 40_000_000n });
    tron.ledger.mine(2);
    await poll(async () => (await newestDeposit())?.sourceTxHash).toBe(gone);
    tron.ledger.fork(2);
    tron.ledger.mine(3);
    await poll(async () => (await newestDeposit()).status).toBe('failed');
    expect(await balanceOf(server.live, wallet.id)).toBe(balance);
    await verified();
  });

  test('one whose block vanishes below the final blocks is taken back, and credited once in another', async () => {
    const own = await tronWallet(server.live, wallet.customerId);
    tron.pay({ to: own.address, amount: 50_000_000n });
    tron.ledger.mine(4);
    await poll(() => balanceOf(server.live, own.id)).toBe('40.00');
    await reachedHead();
    const gone = tron.ledger.blocks.findLast(({ results }) => results.length > 0);
    const [result] = gone?.results ?? [];
    tron.ledger.fork(5);
    await poll(async () => (await newestDeposit(own)).status).toBe('failed');
    expect(await newestDeposit(own)).toMatchObject({ finalAmount: null, exchangeRate: '0.800000' });
    expect(await balanceOf(server.live, own.id)).toBe('0.00');
    await verified();
    tron.ledger.add(result?.item as never);
    tron.ledger.mine(4);
    await poll(() => balanceOf(server.live, own.id)).toBe('40.00');
    expect(await newestDeposit(own)).toMatchObject({ status: 'completed', sourceTxHash: result?.item.id });
    await verified();
  });

  test('none is missed while the node is down or answers nonsense', async () => {
    const before = await ok(server.live.get(`/v1/transactions?type=deposit&walletId=${wallet.id}`));
    tron.faults.malformed = 2;
    tron.pay({ to: wallet.address, amount: 2_000_000n });
    tron.ledger.mine(3);
    await poll(() => tron.faults.malformed).toBe(0);
    await tron.down();
    tron.pay({ to: wallet.address, amount: 2_000_000n });
    tron.ledger.mine(3);
    await tron.up();
    await reachedHead();
    const after = await ok(server.live.get(`/v1/transactions?type=deposit&walletId=${wallet.id}`));
    expect(after.length - before.length).toBe(2);
  });
});

describe('transfers', () => {
  afterEach(verified);

  test('one is paid once out of the treasury, and tells what energy and bandwidth have cost', async () => {
    const id = await send(10_000_000n);
    const sent = await inStatus(server.live, id, 'payment_submitted');
    expect(sent.destinationTxHash).toMatch(/^[0-9a-f]{64}$/);
    tron.ledger.mine();
    expect(paidTo(stranger)).toEqual([10_000_000n]);
    tron.ledger.mine(2);
    const done = await inStatus(server.live, id, 'completed');
    const sun = tron.ledger.find(done.destinationTxHash)?.result.feeSun ?? 0;
    // 0.25 dollars for one TRX, rounded up.
    expect(Math.round(Number(done.gasFee) * 1e6)).toBe(Math.ceil(sun * 0.25));
    expect(done).toMatchObject({ amount: '8.00', finalAmount: '10.00', exchangeRate: '1.250000' });
    expect(sun).toBeGreaterThan(130_285 * 280 - 1);
  });

  test('two of one amount to one address are two', async () => {
    const [first, second] = [await send(3_000_000n), await send(3_000_000n)];
    await inStatus(server.live, first, 'payment_submitted');
    await inStatus(server.live, second, 'payment_submitted');
    tron.ledger.mine(4);
    await inStatus(server.live, first, 'completed');
    await inStatus(server.live, second, 'completed');
    expect(paidTo(stranger).filter((amount) => amount === 3_000_000n)).toHaveLength(2);
  });

  test('one that the node has taken without an answer is paid once', async () => {
    tron.faults.silent = 1;
    const id = await send(4_000_000n);
    await poll(() => tron.faults.silent).toBe(0);
    tron.ledger.mine(4);
    await inStatus(server.live, id, 'completed');
    expect(paidTo(stranger).filter((amount) => amount === 4_000_000n)).toHaveLength(1);
    expect(await attemptsOf(id)).toHaveLength(1);
  });

  test('one that the network forgets is signed again only when its time is over in the final chain', async () => {
    tron.faults.forgetful = Number.POSITIVE_INFINITY;
    const id = await send(5_000_000n);
    const first = (await inStatus(server.live, id, 'payment_submitted')).destinationTxHash;
    // Sixty seconds are twenty blocks; two more have to be built on the last of them.
    tron.ledger.mine(21);
    await reachedHead();
    await lookedAgain();
    expect(await attemptsOf(id)).toHaveLength(1);
    tron.faults.forgetful = 0;
    tron.ledger.mine(1);
    await poll(async () => (await attemptsOf(id)).length).toBe(2);
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.ledger.mine(4);
    const done = await inStatus(server.live, id, 'completed');
    expect(done.destinationTxHash).not.toBe(first);
    expect(paidTo(stranger).filter((amount) => amount === 5_000_000n)).toHaveLength(1);
  });

  test('one in a block that is replaced is paid in another', async () => {
    const id = await send(6_000_000n);
    await inStatus(server.live, id, 'payment_submitted');
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.ledger.mine(2);
    tron.ledger.fork(2);
    tron.ledger.mine(3);
    await inStatus(server.live, id, 'completed');
    expect(paidTo(stranger).filter((amount) => amount === 6_000_000n)).toHaveLength(1);
    expect(await attemptsOf(id)).toHaveLength(1);
  });

  test('a completed one whose block vanishes below the final blocks is sent again, and paid once', async () => {
    const id = await send(6_500_000n);
    await inStatus(server.live, id, 'payment_submitted');
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.ledger.mine(4);
    await inStatus(server.live, id, 'completed');
    await reachedHead();
    // The network forgets it with its block, and has other blocks where it refers to one.
    tron.ledger.fork(8, () => true);
    const paid = () => paidTo(stranger).filter((amount) => amount === 6_500_000n);
    expect(paid()).toHaveLength(0);
    await poll(async () => (await openPayments()).length).toBe(1);
    await poll(() => {
      tron.ledger.mine();
      return paid().length;
    }).toBe(1);
    tron.ledger.mine(4);
    await poll(async () => (await openPayments()).length).toBe(0);
    expect(await ok(server.live.get(`/v1/transactions/${id}`))).toMatchObject({ status: 'completed' });
    expect(paid()).toHaveLength(1);
    await verified();
  });

  test('one that succeeds without its log is unclear: never refunded, while others go on', async () => {
    const id = await send(7_000_000n);
    await inStatus(server.live, id, 'payment_submitted');
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.faults.hasNoLogs = true;
    tron.ledger.mine(4);
    await poll(async () => (await openPayments())[0]?.attention).toBe('unclear');
    expect((await ok(server.live.get(`/v1/transactions/${id}`))).status).toBe('payment_submitted');
    const other = await send(7_100_000n);
    await inStatus(server.live, other, 'payment_submitted');
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.faults.hasNoLogs = false;
    await inStatus(server.live, id, 'completed');
    tron.ledger.mine(4);
    await inStatus(server.live, other, 'completed');
  });

  test.each(['REVERT', 'OUT_OF_ENERGY'] as const)('one that fails with %s is refunded', async (failure) => {
    const before = paidTo(stranger).length;
    tron.ledger.failures.push(failure);
    const id = await send(8_000_000n);
    await inStatus(server.live, id, 'payment_submitted');
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.ledger.mine(4);
    await inStatus(server.live, id, 'refunded');
    expect(paidTo(stranger)).toHaveLength(before);
    // The payment ends after its transfer.
    const ended = async () => {
      const text = 'select status, fee_native > 0 as "isCharged" from chain_payments where id = $1';
      return (await server.app.pool.query(text, [id])).rows;
    };
    await poll(ended).toEqual([{ status: 'failed', isCharged: true }]);
  });

  test('those on their way keep the TRX that they need: what is left over is not enough for another', async () => {
    const held = tron.ledger.sunOf(treasury) ?? 0;
    // One of these costs 22.9 TRX at most.
    tron.ledger.giveSun(treasury, 40 * trx - held);
    const ids = [await send(1_100_000n), await send(1_200_000n)];
    await poll(() => tron.ledger.pending.length).toBe(1);
    await lookedAgain();
    expect(tron.ledger.pending).toHaveLength(1);
    tron.ledger.mine(4);
    await lookedAgain();
    tron.ledger.giveSun(treasury, held);
    await poll(() => tron.ledger.pending.length).toBe(1);
    tron.ledger.mine(4);
    for (const id of ids) await inStatus(server.live, id, 'completed');
    expect(paidTo(stranger).filter((amount) => amount === 1_100_000n || amount === 1_200_000n)).toHaveLength(
      2,
    );
  });

  test('one waits while the price of energy is absurd, instead of being paid at any price', async () => {
    tron.faults.energySun = 10 ** 12;
    const id = await send(3_000_000n);
    await inStatus(server.live, id, 'funds_received');
    const asked = tron.requests('getchainparameters');
    await poll(() => tron.requests('getchainparameters')).toBeGreaterThan(asked + 1);
    expect(tron.ledger.pending).toHaveLength(0);
    tron.faults.energySun = undefined;
    await inStatus(server.live, id, 'payment_submitted');
    tron.ledger.mine(4);
    await inStatus(server.live, id, 'completed');
  });

  test('one waits while the treasury has too little TRX', async () => {
    const held = tron.ledger.sunOf(treasury) ?? 0;
    tron.ledger.giveSun(treasury, -held);
    const id = await send(9_000_000n);
    await inStatus(server.live, id, 'funds_received');
    await lookedAgain();
    expect((await ok(server.live.get(`/v1/transactions/${id}`))).status).toBe('funds_received');
    tron.ledger.giveSun(treasury, held);
    await inStatus(server.live, id, 'payment_submitted');
    tron.ledger.mine(4);
    await inStatus(server.live, id, 'completed');
  });
});

const elsewhere = '0'.repeat(16) + 'cd'.repeat(24);
const atStart = async (
  entry: (a: TronNode, b: TronNode) => object,
  check: (own: Own) => Promise<void>,
  networks: readonly (string | undefined)[] = [undefined, elsewhere],
) => {
  const [a, b] = (await Promise.all(networks.map((network) => startTron(network)))) as [TronNode, TronNode];
  const chains = writeChains({ tron: entry(a, b) });
  const own = await startServer({ ...settings(chains), ...withoutFees });
  try {
    const customer = await liveCustomer(own.app, own.live, own.liveKey);
    await check({ a, b, own, wallet: await tronWallet(own.live, customer.id) });
  } finally {
    await own.stop();
    await a.stop();
    await b.stop();
    chains.remove();
  }
};
interface Own {
  readonly a: TronNode;
  readonly b: TronNode;
  readonly own: TestServer;
  readonly wallet: TronWallet;
}

test('a transfer is not worked out before the treasury can pay it', () =>
  atStart(
    (a) => tronEntry(a),
    async ({ a, own, wallet: owner }) => {
      await fundWallet(own.live, a, owner, 10_000_000n);
      const id = await sendUsdt(own.live, owner, 10_000_000n, stranger);
      await inStatus(own.live, id, 'funds_received');
      const enough = a.requests() + 40;
      await poll(() => a.requests() > enough).toBe(true);
      expect(await ok(own.live.get(`/v1/transactions/${id}`))).toMatchObject({
        status: 'funds_received',
        finalAmount: null,
      });
      const house = own.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
      a.ledger.giveSun(house, 1000 * trx);
      a.pay({ to: house, amount: 10_000_000n });
      a.ledger.mine();
      expect(await inStatus(own.live, id, 'payment_submitted')).toMatchObject({ finalAmount: '10.00' });
    },
  ));

test('a deposit is final when its block is solidified on as many nodes as must agree', async () => {
  const twin = await startTron();
  await atStart(
    // `confirmations` alone would make the number of blocks decide.
    (a) => tronEntry(a, { rpc: [a.url, twin.url], agreement: 2, confirmations: undefined }),
    async ({ a, own, wallet: owner }) => {
      const id = a.pay({ to: owner.address, amount: 5_000_000n });
      twin.ledger.add(a.ledger.pending[0] as never);
      a.faults.solidLag = 2;
      for (const { ledger } of [a, twin]) ledger.mine(10);
      const deposit = async () => (await ok(own.live.get('/v1/transactions?type=deposit')))[0];
      await poll(async () => (await deposit())?.status).toBe('payment_submitted');
      const enough = twin.requests() + 60;
      await poll(() => twin.requests() > enough).toBe(true);
      expect((await deposit()).status).toBe('payment_submitted');
      twin.faults.solidLag = 2;
      await poll(async () => (await deposit()).status).toBe('completed');
      expect((await deposit()).sourceTxHash).toBe(id);
    },
    [undefined, undefined],
  );
  await twin.stop();
});

test('a transfer that nothing can convert is refused', async () => {
  const own = await startServer({ chainsFile: file.path });
  try {
    const body = { ...transferBody(payer), destinationCurrency: 'usdt', destinationPaymentRail: 'tron' };
    const answer = await own.live.post('/v1/transfers', { ...body, destinationAddress: stranger });
    expect([answer.status, answer.error.reason]).toEqual([400, 'rate_unavailable']);
  } finally {
    await own.stop();
  }
});

describe('a deposit address', () => {
  test('is given TRX, and again if energy has become more expensive, and then sends what it has to the treasury', async () => {
    const node = await startTron();
    const key = '7a11a8ca-bbbf-43d9-a340-272301ad396b';
    const chains = writeChains({
      tron: tronEntry(node, {
        sweepFrom: '5',
        sweeps: { maxCostPercent: '100' },
        gas: { nativeUsd: '0.25', feeLimit: '90' },
        rpc: [node.url.replace('//', `//${key}@`)],
      }),
    });
    const own = await startServer({ ...settings(chains), ...withoutFees });
    try {
      const house = own.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
      node.ledger.giveSun(house, 1000 * trx);
      const customer = await liveCustomer(own.app, own.live, own.liveKey);
      const swept = await tronWallet(own.live, customer.id);
      node.pay({ to: swept.address, amount: 50_000_000n });
      node.ledger.mine(4);
      await poll(() => node.ledger.pending.length).toBe(1);
      expect(node.ledger.sunOf(swept.address)).toBeUndefined();
      node.faults.energySun = 500;
      node.ledger.mine(4);
      const given = node.ledger.sunOf(swept.address);
      expect(given).toBeGreaterThan(0);
      await poll(() => node.ledger.pending.length).toBe(1);
      node.ledger.mine(4);
      expect(node.ledger.sunOf(swept.address)).toBeGreaterThan(given ?? 0);
      await poll(() => node.ledger.pending.length).toBe(1);
      node.ledger.mine(4);
      expect(node.ledger.tokenOf(node.usdt, house)).toBe(50_000_000n);
      expect(node.ledger.tokenOf(node.usdt, swept.address)).toBe(0n);
      const kinds = () =>
        own.app.pool
          .query("select kind || ' ' || status as step from chain_payments order by created_at")
          .then(({ rows }) => rows.map(({ step }) => step));
      await poll(kinds).toEqual(['top_up completed', 'top_up completed', 'sweep completed']);
      expect(node.lastHeaders()).toMatchObject({ 'tron-pro-api-key': key });
      expect(node.lastHeaders().authorization).toBeUndefined();
      expect(await (await fetch(`${own.app.adminUrl}/metrics`)).text()).not.toContain(key);
    } finally {
      await own.stop();
      await node.stop();
      chains.remove();
    }
  });
});

describe('nodes', () => {
  const depositsOf = async ({ own }: Own) =>
    (await ok(own.live.get('/v1/transactions?type=deposit'))).map(({ status }: { status: string }) => status);

  test('of another network are not asked', () =>
    atStart(
      (a, b) => tronEntry(a, { rpc: [b.url, a.url], agreement: 1 }),
      async (all) => {
        all.b.pay({ to: all.wallet.address, amount: 70_000_000n });
        all.b.ledger.mine(9);
        all.a.pay({ to: all.wallet.address, amount: 5_000_000n });
        all.a.ledger.mine(4);
        await poll(() => depositsOf(all)).toEqual(['completed']);
        expect(await balanceOf(all.own.live, all.wallet.id)).toBe('4.00');
        const metrics = await (await fetch(`${all.own.app.adminUrl}/metrics`)).text();
        expect(metrics).toMatch(new RegExp(`node_up\\{.*${new URL(all.b.url).host}.*\\} 0`));
      },
    ));

  test('that do not keep outcomes are not believed while another does', () =>
    atStart(
      (a, b) => tronEntry(a, { rpc: [b.url, a.url], agreement: 1 }),
      async (all) => {
        all.b.faults.hasNoOutcomes = true;
        all.a.pay({ to: all.wallet.address, amount: 5_000_000n });
        all.b.ledger.add(all.a.ledger.pending[0] as never);
        for (const { ledger } of [all.a, all.b]) ledger.mine(4);
        await poll(() => depositsOf(all)).toEqual(['completed']);
      },
      [undefined, undefined],
    ));

  test('that lose outcomes cause no second payment', () =>
    atStart(
      (a) => tronEntry(a),
      async ({ a, own, wallet: owner }) => {
        const house = own.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
        a.ledger.giveSun(house, 1000 * trx);
        a.ledger.giveToken(a.usdt, house, 5_500_000n);
        await fundWallet(own.live, a, owner, 5_500_000n);
        const id = await sendUsdt(own.live, owner, 5_500_000n, stranger);
        await poll(() => a.ledger.pending.length).toBe(1);
        a.ledger.mine();
        a.faults.hasNoOutcomes = true;
        a.ledger.mine(30);
        // Whole blocks are read to see whether it may be signed again; this one is in the first of them.
        const read = a.requests('getblockbynum');
        await poll(() => a.requests('getblockbynum')).toBeGreaterThanOrEqual(read + 2);
        a.faults.hasNoOutcomes = false;
        await inStatus(own.live, id, 'completed');
        const { rows } = await own.app.pool.query('select number from chain_attempts');
        expect(rows).toHaveLength(1);
        expect(a.ledger.tokenOf(a.usdt, stranger)).toBe(5_500_000n);
      },
    ));

  test('that omit one outcome of a block hide no deposit', () =>
    atStart(
      (a) => tronEntry(a),
      async (all) => {
        all.a.faults.omitsOutcomes = true;
        all.a.pay({ to: stranger, amount: 1_000_000n });
        all.a.pay({ to: all.wallet.address, amount: 5_000_000n });
        all.a.ledger.mine(4);
        const fault = async () =>
          (await all.own.app.pool.query('select fault from chain_statuses')).rows[0]?.fault;
        await poll(fault).toMatch(/omitted outcomes of block/);
        all.a.faults.omitsOutcomes = false;
        await poll(() => depositsOf(all)).toEqual(['completed']);
      },
    ));

  test('that disagree credit nothing', async () => {
    const twin = await startTron();
    await atStart(
      (a) => tronEntry(a, { rpc: [a.url, twin.url], agreement: 2 }),
      async (all) => {
        all.a.pay({ to: all.wallet.address, amount: 5_000_000n });
        for (const { ledger } of [all.a, twin]) ledger.mine();
        await poll(() => depositsOf(all)).toEqual(['payment_submitted']);
        for (const { ledger } of [all.a, twin]) ledger.mine(3);
        const enough = twin.requests() + 60;
        await poll(() => twin.requests() > enough).toBe(true);
        expect(await depositsOf(all)).toEqual(['payment_submitted']);
        expect(await balanceOf(all.own.live, all.wallet.id)).toBe('0.00');
      },
    );
    await twin.stop();
  });
});

test('a receiver that the issuer has blocked fails the transfer; a blocked treasury and a paused token let it wait', async () => {
  const { ledger } = tron;
  ledger.freeze(stranger);
  const never = await send(2_000_000n);
  expect((await inStatus(server.live, never, 'refunded')).returnReason).toContain('blocked the destination');
  ledger.thaw(stranger);
  expect(await attemptsOf(never)).toEqual([]);
  ledger.freeze(treasury);
  const waits = await send(2_000_000n);
  await inStatus(server.live, waits, 'funds_received');
  await lookedAgain();
  ledger.isPaused = true;
  ledger.thaw(treasury);
  await lookedAgain();
  expect(await attemptsOf(waits)).toEqual([]);
  ledger.isPaused = false;
  await inStatus(server.live, waits, 'payment_submitted');
});
