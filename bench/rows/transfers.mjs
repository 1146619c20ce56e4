/** Rows `spread` and `hot`: durable transfers against one prepared statement for each. */
import { openBaseline, prepareBaseline, readPattern } from '../baseline.mjs';
import { assertStored } from '../fixture.mjs';
import { call, runClosedLoop } from '../http.mjs';
import { postText, transferBody, transferLoad } from '../requests.mjs';
import { alternate } from '../slices.mjs';
import { compared } from '../table.mjs';

export const spread = (context) => compare(context, 'spread', 1.5, (wallets) => wallets);
export const hot = (context) => compare(context, 'hot', 10, (wallets) => wallets.slice(0, 1));

const connectionCounts = [8, 32];

async function compare(context, name, atLeast, choose) {
  const { sizes } = context;
  const fixture = await context.fixture();
  const { connections, db, key, wallets } = fixture;
  const baseline = await baselineOf(context, fixture);
  const baselines = [];
  for (const count of connectionCounts)
    baselines.push(await openBaseline(baseline, choose(baseline.owners), count));
  const load = transferLoad(key, choose(wallets), name);
  const server = (seconds) => runClosedLoop(connections, seconds, load);
  // What every wallet is read for the first time, and every plan made, is before the measuring.
  await server(sizes.sideSeconds / 2);
  for (const { run } of baselines) await run(sizes.sliceSeconds);
  const [fewer, more] = baselines;
  const rates = await alternate(
    { server, fewer: fewer.run, more: more.run },
    { seconds: sizes.sideSeconds, sliceSeconds: sizes.sliceSeconds },
  );
  for (const { close } of baselines) await close();
  await assertStored(db, load);
  /** @type {[string, number]} */
  const best = rates.fewer.perSecond > rates.more.perSecond ? ['fewer', 8] : ['more', 32];
  return [
    compared(
      name,
      rates.server.perSecond,
      rates[best[0]].perSecond,
      atLeast,
      ` (one a commit, ${best[1]} connections)`,
    ),
  ];
}

/** The baseline of a run, made when it is first asked for: the rows of one transfer are its pattern. */
export async function baselineOf({ learned }, fixture) {
  learned.baseline ??= await makeBaseline(fixture);
  return learned.baseline;
}

async function makeBaseline(fixture) {
  const { connections, db, key, wallets } = fixture;
  const once = 'pattern';
  const { body } = await call(connections[0], postText(key, '/v1/transfers', transferBody(wallets[0]), once));
  return prepareBaseline(fixture, await readPattern(db, body.data.id, once));
}
