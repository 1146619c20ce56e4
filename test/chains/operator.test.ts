import { type Address, parseAbiItem } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readChainsFile } from '../../server/src/chains/config.ts';
import { openChain } from '../../server/src/chains/families.ts';
import { proofKeysOf } from '../../server/src/custody/transfer-proof.ts';
import { verifyLedger } from '../../server/src/ledger/verify.ts';
import { listDeposits, listWaitingPayments } from '../../server/src/onchain/operator/overview.ts';
import { findAction } from '../../server/src/onchain/operator/queries.ts';
import {
  type DepositOrder,
  orderAboutDeposit,
  orderAboutPayment,
  orderNonceFill,
  type PaymentOrder,
  submitOrder,
} from '../../server/src/onchain/operator/requests.ts';
import { saveTreasury } from '../../server/src/onchain/reconciliation/queries.ts';
import { reconcileChain } from '../../server/src/onchain/reconciliation/reconcile.ts';
import { createKeyring } from '../../server/src/platform/keyring.ts';
import type { OperatorActionRow } from '../../server/src/store/tables/chains.ts';
import { type Anvil, deployToken, keepMining, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { type BadNode, refuse, startBadNode } from '../support/chains/bad-node.ts';
import { chainEntry, depositsIn, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The ways out for the operator on a real node: `base`, with USDC and a token that is not configured. */

type Wallet = Awaited<ReturnType<typeof newLiveWallet>>;

const transferEvent = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');
const ordering = { reason: 'ticket 4711', by: 'ada' };
let base: Anvil;
let node: BadNode;
let usdc: TestToken;
let unlisted: TestToken;
let server: TestServer;
let wallet: Wallet;
let treasury: Address;
let chainsFile: { path: string; remove(): void };

beforeAll(async () => {
  base = await startAnvil({ chainId: 31_337 });
  node = await startBadNode(base.url);
  usdc = await deployToken(base, 'TestToken', ['USD Coin', 'USDC']);
  unlisted = await deployToken(base, 'TestToken', ['Another', 'ANO']);
  const more = {
    ...{ sweepFrom: null, minDeposit: '1.00', rpc: [node.url], watchUnlisted: true },
    gas: { nativeUsd: '2500', bumpAfterMs: 600_000, maxFeeGwei: '100' },
  };
  chainsFile = writeChains({ base: chainEntry(base, { usdc }, more) });
  server = await startServer({ chainsFile: chainsFile.path });
  treasury = treasuryOf(server, 'base');
  await base.client.setBalance({ address: treasury, value: 10n ** 18n });
  wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 1_000_000_000n]);
  await usdc.send('mint', [treasury, 500_000_000n]);
  await base.client.mine({ blocks: 3 });
  await saveTreasury(server.app.pool, 'base', treasury);
});
afterEach(() => node.behave());
afterAll(async () => {
  await server?.stop().finally(async () => {
    await node?.stop();
    await base?.stop();
    chainsFile?.remove();
  });
});

const stranger = (): Address => privateKeyToAddress(generatePrivateKey());
const key = () => proofKeysOf(createKeyring([Buffer.from(server.masterKey, 'hex')]))[0];

function send(amount: string, destinationAddress: string) {
  const more = { amount, destinationPaymentRail: 'base', destinationAddress };
  return ok(server.live.post('/v1/transfers', transferBody(wallet, more)));
}

function orderPayment(id: string, order: PaymentOrder, as = ordering): Promise<OperatorActionRow> {
  const { pool, writer } = server.app;
  return submitOrder(writer, () => orderAboutPayment(pool, id, order, as));
}

function orderDeposit(id: string, order: DepositOrder): Promise<OperatorActionRow> {
  const { pool, writer } = server.app;
  return submitOrder(writer, () => orderAboutDeposit({ pool, proofKey: key }, id, order, ordering));
}

/** Waits until an action has a status, while blocks are mined. */
async function until(
  action: OperatorActionRow,
  status: OperatorActionRow['status'],
): Promise<OperatorActionRow> {
  const read = async () => (await findAction(server.app.pool, action.id)) as OperatorActionRow;
  await expect
    .poll(
      async () => {
        const { result, status: now } = await read();
        return now === 'refused' && status !== 'refused' ? `refused: ${result}` : now;
      },
      { timeout: 15_000 },
    )
    .toBe(status);
  return read();
}

async function paidTo(to: Address, token = usdc): Promise<bigint[]> {
  const logs = await base.client.getLogs({
    address: token.address,
    event: transferEvent,
    args: { to },
    fromBlock: 0n,
  });
  return logs.map(({ args }) => args.value ?? 0n);
}

/** Holds transactions back until the test mines. */
async function withoutMining(work: () => Promise<void>): Promise<void> {
  await base.client.setAutomine(false);
  try {
    await work();
  } finally {
    await base.client.setAutomine(true);
    await base.client.mine({ blocks: 3 });
  }
}

async function expectClean(): Promise<void> {
  const { pool } = server.app;
  expect((await verifyLedger(pool)).problems).toEqual([]);
  await base.client.mine({ blocks: 3 });
  const [config] = readChainsFile(chainsFile.path);
  if (!config) throw new Error('There is no chain');
  const unsigned = () => Promise.reject(new Error('Nothing is signed'));
  const port = openChain(
    config,
    treasury,
    { sign: unsigned, signAuthorization: unsigned, lastSigned: unsigned },
    () => undefined,
  );
  await expect
    .poll(
      async () => {
        const result = await reconcileChain(pool, port);
        return result.kind === 'done' ? result.tokens.map((one) => one.unexplainedMinor) : result.why;
      },
      { timeout: 10_000 },
    )
    .toEqual([0n]);
}

describe('payments', () => {
  test('one that is stuck is listed with its reason, bumped within the cap, and arrives once', async () => {
    await depositsIn(server.live, wallet.id, ['completed']);
    const to = stranger();
    await withoutMining(async () => {
      const transfer = await send('10.00', to);
      await inStatus(server.live, transfer.id, 'payment_submitted');
      const [waiting] = await listWaitingPayments(server.app.pool, 'base', 10);
      expect(waiting).toMatchObject({ id: transfer.id, kind: 'transfer', state: 'sent', amount: '9970000' });
      const [first, second] = await Promise.all([
        orderPayment(transfer.id, { kind: 'payment_bump' }),
        orderPayment(transfer.id, { kind: 'payment_bump' }, { reason: 'slow', by: 'grace' }),
      ]);
      expect(second.id).toBe(first.id);
      expect((await until(first, 'done')).result).toBe('It was replaced at a higher fee.');
      const { rows } = await server.app.pool.query('select from chain_attempts where payment_id = $1', [
        transfer.id,
      ]);
      expect(rows.length).toBe(2);
      await base.client.mine({ blocks: 3 });
      await inStatus(server.live, transfer.id, 'completed');
    });
    expect(await paidTo(to)).toEqual([9_970_000n]);
  });

  test('one that is stuck is cancelled: its nonce is used by a transfer of nothing, then it is refunded once', async () => {
    const to = stranger();
    const before = await balanceOf(server.live, wallet.id);
    await withoutMining(async () => {
      const transfer = await send('20.00', to);
      await inStatus(server.live, transfer.id, 'payment_submitted');
      const cancel = () => orderPayment(transfer.id, { kind: 'payment_cancel' });
      const [one, other] = await Promise.all([cancel(), cancel()]);
      expect(other.id).toBe(one.id);
      await until(one, 'accepted');
      // Nothing is refunded before the chain has used the nonce for good.
      const voids = async () =>
        (await server.app.pool.query('select from void_attempts where payment_id = $1', [transfer.id]))
          .rowCount;
      await expect.poll(voids, { timeout: 10_000 }).toBe(1);
      expect(await balanceOf(server.live, wallet.id)).not.toBe(before);
      await base.client.mine({ blocks: 1 });
      expect((await inStatus(server.live, transfer.id, 'payment_submitted')).status).toBe(
        'payment_submitted',
      );
      await base.client.mine({ blocks: 3 });
      await until(one, 'done');
      expect(await inStatus(server.live, transfer.id, 'refunded')).toMatchObject({
        returnReason: 'The payment was cancelled.',
      });
      expect((await cancel()).id).toBe(one.id);
    });
    expect(await paidTo(to)).toEqual([]);
    expect(await balanceOf(server.live, wallet.id)).toBe(before);
    await expectClean();
  });

  test('one that lands before its cancellation is completed, and the order is refused', async () => {
    const to = stranger();
    await withoutMining(async () => {
      const transfer = await send('5.00', to);
      await inStatus(server.live, transfer.id, 'payment_submitted');
      // No node takes the transaction that would void it.
      node.behave((call, forward) =>
        call.method === 'eth_sendRawTransaction' ? refuse(call, -32000, 'shutting down') : forward(),
      );
      const cancel = await orderPayment(transfer.id, { kind: 'payment_cancel' });
      await until(cancel, 'accepted');
      await base.client.mine({ blocks: 3 });
      expect((await until(cancel, 'refused')).result).toContain('It was paid by 0x');
      await inStatus(server.live, transfer.id, 'completed');
      await expect(orderPayment(transfer.id, { kind: 'payment_cancel' })).rejects.toThrow(
        'The payment has ended',
      );
    });
    expect(await paidTo(to)).toEqual([4_985_000n]);
  });

  test('one that waits unsigned is cancelled, and never signed afterwards', async () => {
    const transfer = await send('900.00', stranger());
    await expect
      .poll(async () => (await listWaitingPayments(server.app.pool, 'base', 10))[0]?.reason, {
        timeout: 10_000,
      })
      .toBe('The treasury has too little usdc.');
    await until(await orderPayment(transfer.id, { kind: 'payment_cancel' }), 'done');
    await inStatus(server.live, transfer.id, 'refunded');
    await expectClean();
  });

  test.each(['', '   '])('an order without a reason (%j) is refused', async (reason) => {
    const to = stranger();
    const transfer = await send('950.00', to);
    await inStatus(server.live, transfer.id, 'funds_received');
    await expect(
      orderPayment(transfer.id, { kind: 'payment_cancel' }, { reason, by: 'ada' }),
    ).rejects.toThrow('`reason` must');
    await until(await orderPayment(transfer.id, { kind: 'payment_cancel' }), 'done');
  });
});

test('a gap in the nonces is filled by transfers of nothing, and what waited behind it goes', async () => {
  const { pool } = server.app;
  await server.ownerPool.query(
    'update chain_sequences set next_sequence = next_sequence + 2 where sender = $1',
    [treasury],
  );
  const to = stranger();
  const transfer = await send('3.00', to);
  await inStatus(server.live, transfer.id, 'payment_submitted');
  const stop = keepMining([base], 200);
  try {
    const fill = await submitOrder(server.app.writer, () =>
      orderNonceFill(pool, 'base', undefined, ordering),
    );
    await until(fill, 'done');
    await inStatus(server.live, transfer.id, 'completed');
    const none = await submitOrder(server.app.writer, () =>
      orderNonceFill(pool, 'base', undefined, ordering),
    );
    expect((await until(none, 'refused')).result).toContain('There is no gap');
  } finally {
    stop();
  }
  const { rows } = await pool.query("select status from chain_payments where kind = 'nonce_fill'");
  expect(rows.map(({ status }) => status)).toEqual(['completed', 'completed']);
  expect(await paidTo(to)).toEqual([2_991_000n]);
  await expectClean();
});

describe('uncredited deposits', () => {
  const open = async (reason: string) => {
    const list = () => listDeposits(server.app.pool, { chain: 'base', all: false, limit: 50 });
    await expect
      .poll(async () => (await list()).filter((one) => one.reason === reason).length, { timeout: 10_000 })
      .toBe(1);
    return (await list()).find((one) => one.reason === reason)?.id ?? '';
  };
  const arrives = async (token: TestToken, amount: bigint) => {
    await token.send('mint', [wallet.address, amount]);
    await base.client.mine({ blocks: 3 });
  };

  test('one below the minimum is credited once, whoever orders it', async () => {
    await arrives(usdc, 400_000n);
    const id = await open('below_minimum');
    const before = Number(await balanceOf(server.live, wallet.id));
    const [one, other] = await Promise.all([1, 2].map(() => orderDeposit(id, { kind: 'deposit_credit' })));
    expect(other?.id).toBe(one?.id);
    await until(one as OperatorActionRow, 'done');
    expect(Number(await balanceOf(server.live, wallet.id))).toBeCloseTo(before + 0.4);
    expect((await orderDeposit(id, { kind: 'deposit_credit' })).id).toBe(one?.id);
    await expect(orderDeposit(id, { kind: 'deposit_write_off' })).rejects.toThrow(
      'was decided about already',
    );
    await expectClean();
  });

  test('one below the minimum is returned from its address, exactly once, and the books agree', async () => {
    await arrives(usdc, 300_000n);
    const id = await open('below_minimum');
    const to = stranger();
    await expect(orderDeposit(id, { kind: 'deposit_return', to: treasury })).rejects.toThrow(
      'must not be an address of',
    );
    const stop = keepMining([base], 200);
    try {
      await until(await orderDeposit(id, { kind: 'deposit_return', to }), 'done');
    } finally {
      stop();
    }
    expect(await paidTo(to)).toEqual([300_000n]);
    await expectClean();
  });

  test('one of a token that is not configured is returned; another one is credited at a price', async () => {
    await arrives(unlisted, 7_000_000n);
    const id = await open('unlisted_token');
    const to = stranger();
    const stop = keepMining([base], 200);
    try {
      await until(await orderDeposit(id, { kind: 'deposit_return', to }), 'done');
    } finally {
      stop();
    }
    expect(await paidTo(to, unlisted)).toEqual([7_000_000n]);
    await arrives(unlisted, 8_000_000n);
    const priced = await open('unlisted_token');
    const credit = { kind: 'deposit_credit', amountMinor: 2_500_000n, currency: 'usdc' } as const;
    await expect(orderDeposit(priced, { kind: 'deposit_credit' })).rejects.toThrow(
      '`amount` and `currency` are required',
    );
    await until(await orderDeposit(priced, credit), 'done');
    await expectClean();
  });

  test('one that nobody claims is written off, and stays in custody', async () => {
    await arrives(usdc, 200_000n);
    const id = await open('below_minimum');
    await until(await orderDeposit(id, { kind: 'deposit_write_off' }), 'done');
    expect(await listDeposits(server.app.pool, { chain: 'base', all: false, limit: 50 })).toEqual([]);
    await expectClean();
  });
});

test('what the operator states is believed only if the chain confirms it', async () => {
  const to = stranger();
  await usdc.send('mint', [wallet.address, 1_000_000_000n]);
  await base.client.mine({ blocks: 3 });
  await expect
    .poll(async () => Number(await balanceOf(server.live, wallet.id)), { timeout: 10_000 })
    .toBeGreaterThan(1900);
  const transfer = await send('930.00', to);
  await inStatus(server.live, transfer.id, 'funds_received');
  const resolve = (txHash: string) => orderPayment(transfer.id, { kind: 'payment_resolve', txHash });
  const nothing = `0x${'12'.repeat(32)}`;
  expect((await until(await resolve(nothing), 'refused')).result).toContain('No node has the transaction');
  const mint = await usdc.send('mint', [to, 927_210_000n]);
  await base.client.mine({ blocks: 3 });
  expect((await until(await resolve(mint), 'refused')).result).toContain('moves no usdc');
  // Another server, on a copy of the database, has paid it from the treasury: the chain is held.
  await usdc.send('mint', [treasury, 927_210_000n]);
  await base.client.impersonateAccount({ address: treasury });
  const paid = await usdc.sendFrom(treasury, 'transfer', [to, 927_210_000n]);
  await base.client.mine({ blocks: 3 });
  expect((await until(await resolve(paid), 'done')).result).toBe(`It was paid by ${paid}.`);
  expect(await inStatus(server.live, transfer.id, 'completed')).toMatchObject({ destinationTxHash: paid });
  const other = await send('930.00', to);
  const again = await orderPayment(other.id, { kind: 'payment_resolve', txHash: paid });
  expect((await until(again, 'refused')).result).toContain(`is a transaction of ${transfer.id}`);
  await until(await orderPayment(other.id, { kind: 'payment_cancel' }), 'done');
  await expectClean();
});
