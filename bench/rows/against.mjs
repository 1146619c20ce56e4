/**
 * `--against`: another checkout beside this one, each with a server and a database of its own, in turns. Rates drift with the
 * machine; the CPU time of a request, of server and PostgreSQL together, hardly does.
 */
import { root } from '../../scripts/checkout.mjs';
import { clients, prepareFixture } from '../fixture.mjs';
import { openConnections, runClosedLoop } from '../http.mjs';
import { getText, readLoad, transferLoad } from '../requests.mjs';
import { alternate } from '../slices.mjs';
import { perSecond } from '../table.mjs';
import { cpuMs } from '../usage.mjs';

const mostRatio = 1.03;

export async function against({ checkout, lanes, say, sizes }) {
  const fixtures = {};
  for (const [side, folder] of [
    ['ours', root],
    ['theirs', checkout],
  ]) {
    say(`${folder}: a server with ${sizes.growthWallets} wallets`);
    fixtures[side] = await prepareFixture({ wallets: sizes.growthWallets, checkout: folder, lanes });
  }
  const loads = {};
  for (const [side, fixture] of Object.entries(fixtures)) loads[side] = loadsOf(fixture);
  const figures = [];
  for (const name of Object.keys(loads.ours)) {
    const sides = Object.fromEntries(
      Object.entries(fixtures).map(([side, fixture]) => [side, measured(fixture, loads[side][name])]),
    );
    // Plans, kept rows and compiled code are made before the measuring.
    for (const { run } of Object.values(sides)) await run(sizes.sliceSeconds);
    for (const side of Object.values(sides)) side.reset();
    const slices = Object.fromEntries(Object.entries(sides).map(([side, { run }]) => [side, run]));
    const rates = await alternate(slices, {
      seconds: sizes.sideSeconds * 2,
      sliceSeconds: sizes.sliceSeconds,
    });
    figures.push(...compare(name, rates, sides));
  }
  for (const fixture of Object.values(fixtures)) await fixture.close();
  return figures;
}

/** The same loads for each side; those that read come after those that have written what they read. */
function loadsOf({ key, wallets }) {
  const spread = transferLoad(key, wallets, 'spread');
  const hot = transferLoad(key, wallets.slice(0, 1), 'hot');
  let one = 0;
  return {
    'transfers, spread': spread,
    'transfers, one wallet': hot,
    'reads of one': {
      ...readLoad([]),
      next: () =>
        getText(
          key,
          `/v1/transactions/${spread.acknowledged[one++ % Math.min(1000, spread.acknowledged.length)]}`,
        ),
    },
    'reads of a list of 50': readLoad([getText(key, '/v1/transactions?limit=50')]),
  };
}

function measured({ server }, load) {
  const used = { cpuMs: 0, count: 0 };
  return {
    used,
    reset: () => Object.assign(used, { cpuMs: 0, count: 0 }),
    async run(seconds) {
      // Opened when they are used: the server ends those on which no request comes, and a side waits while the other works.
      const connections = await openConnections(server.url, clients);
      const before = cpuMs(server.pid);
      const slice = await runClosedLoop(connections, seconds, load);
      used.cpuMs += cpuMs(server.pid) - before;
      used.count += slice.count;
      for (const connection of connections) connection.close();
      return slice;
    },
  };
}

function compare(name, rates, sides) {
  const [ours, theirs] = [sides.ours.used, sides.theirs.used].map(
    ({ count, cpuMs: ms }) => (ms * 1000) / count,
  );
  const rate = rates.ours.perSecond / rates.theirs.perSecond;
  const ratio = ours / theirs;
  return [
    {
      name: `${name}: rate`,
      figure: perSecond(rates.ours.perSecond),
      baseline: perSecond(rates.theirs.perSecond),
      ratio: `${rate.toFixed(3)} ×`,
      values: { ratio: rate, ours: rates.ours.rates, theirs: rates.theirs.rates },
    },
    {
      name: `${name}: CPU time of each`,
      figure: `${ours.toFixed(0)} µs`,
      baseline: `${theirs.toFixed(0)} µs`,
      ratio: `${ratio.toFixed(3)} ×`,
      mustReach: `≤ ${mostRatio} ×`,
      ok: ratio <= mostRatio,
      values: { ratio, ours, theirs },
    },
  ];
}
