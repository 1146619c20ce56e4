import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TronWeb } from 'tronweb';
import { expect, test } from 'vitest';
import { liveCustomer, writeChains } from '../harness/chains/live.ts';
import { startTron, type TronNode } from '../harness/chains/tron.ts';
import { holdUsdt, sendUsdt, startRates, tronEntry, tronWallet } from '../harness/chains/tron-live.ts';
import { environmentOf, ok, walk } from '../harness/factories.ts';
import { type ServerProcess, startServerProcess } from '../harness/process.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { createRandom } from '../simulate/random.ts';

/**
 * Deposits and transfers interleaved, while blocks are replaced, the node goes away, answers get lost, transactions are
 * forgotten or fail, and the process that follows the chain is killed. TRON_STORY sets how many of each there are (12),
 * TRON_STORY_KILLS how often it is killed (2), TRON_STORY_SEED repeats a story.
 */

const count = Number(process.env.TRON_STORY ?? 12);
const kills = Number(process.env.TRON_STORY_KILLS ?? 2);
const seed = Number(process.env.TRON_STORY_SEED ?? Date.now() % 1_000_000);
const blockMs = 100;
const timeoutMs = 60_000 + count * 2000 + kills * 15_000;

test(
  `seed ${seed}: every deposit is credited once, every transfer paid once`,
  async () => {
    const random = createRandom(seed);
    const tron = await startTron();
    const rates = await startRates();
    const signing = { perDay: '1000000000', nativePerDay: '10000000' };
    const file = writeChains({ tron: tronEntry(tron, { signing }) });
    const masterKey = randomBytes(32);
    const server = await startServer({ masterKey });
    let follower: ServerProcess | undefined;
    const startFollower = async () => {
      follower = await startServerProcess({
        args: ['--log-level', 'error', '--chains-file', file.path, '--rates-mapping', '/rates/{TO}'],
        env: {
          DATABASE_URL: server.databaseUrl,
          OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
          OPENLEDGER_RATES_URL: rates.url,
        },
      });
    };
    const blocks = setInterval(() => tron.ledger.mine(), blockMs);
    try {
      const treasury = server.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
      tron.ledger.giveSun(treasury, 1_000_000_000_000);
      tron.pay({ to: treasury, amount: 1_000_000_000_000n });
      await startFollower();
      const environmentId = await environmentOf(server, server.liveKey);
      const customer = await liveCustomer(server.app, server.live, server.liveKey);
      const wallets = await Promise.all([0, 1, 2].map(() => tronWallet(server.live, customer.id)));
      for (const wallet of wallets) await holdUsdt(server.app, environmentId, wallet, 1_000_000_000n);
      const transfers = new Map<string, { address: string; amount: bigint }>();
      const killAt = new Set(
        Array.from({ length: kills }, (_, index) => Math.floor(((index + 1) * count) / (kills + 1))),
      );

      for (let round = 0; round < count; round += 1) {
        const wallet = random.pick(wallets);
        tron.pay({ to: wallet.address, amount: BigInt(1_000_000 + round) });
        const address = TronWeb.address.fromHex(`41${randomBytes(20).toString('hex')}`);
        const amount = BigInt(2_000_000 + round);
        transfers.set(await sendUsdt(server.app, environmentId, wallet, amount, address), {
          address,
          amount,
        });
        await misbehave(tron, random.below(7));
        if (killAt.has(round)) {
          await sleep(random.below(blockMs * 4));
          await follower?.stop('SIGKILL');
          await startFollower();
        }
        await sleep(random.below(blockMs * 3));
      }
      await settle(server, [...transfers.keys()]);

      const paid = transactionsOf(tron, treasury);
      for (const [id, { address, amount }] of transfers) {
        const { status } = await ok(server.live.get(`/v1/transactions/${id}`));
        expect({ status, paid: paid.get(address) ?? [] }).toEqual(
          status === 'completed' ? { status, paid: [amount] } : { status: 'refunded', paid: [] },
        );
      }
      const arrived = arrivals(
        tron,
        wallets.map(({ address }) => address),
      );
      const credited = async () => {
        const items = await walk(server.live, '/v1/transactions?type=deposit&status=completed', 100);
        return items.flatMap(({ sourceTxHash }) => (sourceTxHash ? [sourceTxHash] : [])).sort();
      };
      await expect.poll(credited, { timeout: 20_000 }).toEqual(arrived);
      expect(await ok(server.live.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
    } finally {
      clearInterval(blocks);
      await follower?.stop();
      await server.stop();
      await tron.stop();
      await rates.stop();
      file.remove();
    }
  },
  timeoutMs,
);

/** One thing in seven goes wrong in each way. */
async function misbehave(tron: TronNode, kind: number): Promise<void> {
  switch (kind) {
    case 0:
      return tron.ledger.fork(1);
    case 1:
      return tron.ledger.fork(2);
    case 2:
      tron.faults.silent += 1;
      return;
    case 3:
      tron.faults.forgetful += 5;
      return;
    case 4:
      tron.ledger.failures.push('REVERT');
      return;
    case 5:
      await tron.down();
      await sleep(blockMs * 2);
      return tron.up();
    default:
      tron.faults.malformed += 3;
  }
}

async function settle(server: TestServer, ids: readonly string[]): Promise<void> {
  const open = async () => {
    const { rows } = await server.app.pool.query<{ count: number }>(
      "select count(*)::int as count from transactions where id = any($1) and status not in ('completed', 'refunded')",
      [ids],
    );
    return rows[0]?.count;
  };
  await expect.poll(open, { timeout: timeoutMs / 2, interval: 200 }).toBe(0);
}

/** What the treasury has paid, by whom it was for. */
function transactionsOf(tron: TronNode, treasury: string): Map<string, bigint[]> {
  const paid = new Map<string, bigint[]>();
  for (const { results } of tron.ledger.blocks) {
    for (const { item, transfers } of results) {
      for (const { amount, from, to } of item.kind === 'signed' ? transfers : []) {
        if (from === treasury) paid.set(to, [...(paid.get(to) ?? []), amount]);
      }
    }
  }
  return paid;
}

/** The transactions by which somebody has paid to one of the addresses, in the chain as it is. */
function arrivals(tron: TronNode, addresses: readonly string[]): string[] {
  return tron.ledger.blocks
    .flatMap(({ results }) => results)
    .filter(
      ({ item, transfers }) => item.kind === 'payments' && transfers.some(({ to }) => addresses.includes(to)),
    )
    .map(({ item }) => item.id)
    .sort();
}
