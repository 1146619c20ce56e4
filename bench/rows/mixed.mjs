/** Row `mixed`: reads and transfers together, against each alone, for the CPU time that they cost. */
import { assertStored } from '../fixture.mjs';
import { runClosedLoop } from '../http.mjs';
import { getText, mixedLoad, readLoad, transferLoad } from '../requests.mjs';
import { alternate } from '../slices.mjs';
import { cpuMs } from '../usage.mjs';

const atLeast = 0.7;

/**
 * What a read and a transfer cost alone is known from the sides `reads` and `writes`: CPU time of the server and its
 * PostgreSQL. The CPU time of the mix is shared between them in proportion to that, so both have one ratio. Beside it
 * stands what each would have if it were charged with everything that the other one's lone cost does not explain.
 */
export async function mixed(context) {
  const { sizes } = context;
  const { connections, db, key, server, wallets } = await context.fixture();
  const lone = transferLoad(key, wallets, 'lone');
  await runClosedLoop(connections, sizes.sliceSeconds, lone);
  const ids = lone.acknowledged.slice(0, 1000);
  const reads = readLoad(
    wallets
      .slice(0, 1000)
      .flatMap((wallet, index) => [
        getText(key, `/v1/transactions/${ids[index % ids.length]}`),
        getText(key, '/v1/transactions?limit=50'),
        getText(key, `/v1/crypto-wallets/${wallet.id}/balance`),
      ]),
  );
  const writes = transferLoad(key, wallets, 'mixed');
  const both = mixedLoad(reads, writes);
  const costs = { reads: 0, writes: 0, mixed: 0 };
  const side = (name, load) => async (seconds) => {
    const before = cpuMs(server.pid);
    const result = await runClosedLoop(connections, seconds, load);
    costs[name] += cpuMs(server.pid) - before;
    return result;
  };
  const sums = await alternate(
    { reads: side('reads', reads), mixed: side('mixed', both), writes: side('writes', lone) },
    { seconds: sizes.sideSeconds, sliceSeconds: sizes.sliceSeconds },
  );
  await assertStored(db, lone);
  await assertStored(db, writes);
  const readMs = costs.reads / sums.reads.count;
  const writeMs = costs.writes / sums.writes.count;
  const counts = { reads: sums.mixed.count - both.writes(), writes: both.writes() };
  const excess = costs.mixed / (counts.reads * readMs + counts.writes * writeMs);
  const charged = {
    reads: (costs.mixed - counts.writes * writeMs) / counts.reads,
    writes: (costs.mixed - counts.reads * readMs) / counts.writes,
  };
  return [
    figure('mixed: reads', readMs, readMs * excess, charged.reads, counts.reads / sums.mixed.seconds),
    figure('mixed: transfers', writeMs, writeMs * excess, charged.writes, counts.writes / sums.mixed.seconds),
  ];
}

function figure(name, loneMs, mixedMs, chargedMs, perSecond) {
  const ratio = loneMs / mixedMs;
  const perCpuSecond = (ms) => `${Math.round(1000 / ms).toLocaleString('en')} a CPU second`;
  return {
    name,
    figure: `${perCpuSecond(mixedMs)} (${Math.round(perSecond).toLocaleString('en')}/s)`,
    baseline: `${perCpuSecond(loneMs)} alone`,
    ratio: `${ratio.toFixed(2)} ×`,
    mustReach: `≥ ${atLeast} ×`,
    ok: ratio >= atLeast,
    values: { loneMs, mixedMs, ratio, ratioCharged: loneMs / chargedMs, perSecond },
  };
}
