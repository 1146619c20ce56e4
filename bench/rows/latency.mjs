/** Row `latency`: how long a transfer takes at half the greatest rate. */
import { assertStored } from '../fixture.mjs';
import { runClosedLoop, runOpenLoop } from '../http.mjs';
import { transferLoad } from '../requests.mjs';
import { perSecond } from '../table.mjs';

const atMostMs = 40;

export async function latency(context) {
  const { sizes } = context;
  const { connections, db, key, wallets } = await context.fixture();
  const load = transferLoad(key, wallets, 'latency');
  const greatest = await runClosedLoop(connections, sizes.sliceSeconds * 2, load);
  const rate = greatest.count / greatest.seconds / 2;
  const timesMs = await runOpenLoop(connections, sizes.sideSeconds, rate, load);
  await assertStored(db, load);
  const [p50, p99] = [0.5, 0.99].map((part) => timesMs[Math.floor(timesMs.length * part)] ?? 0);
  return [
    {
      name: 'latency',
      figure: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      baseline: `at ${perSecond(rate)}`,
      mustReach: `p99 ≤ ${atMostMs} ms`,
      ok: p99 <= atMostMs,
      values: { rate, p50, p99, greatest: timesMs.at(-1) },
    },
  ];
}
