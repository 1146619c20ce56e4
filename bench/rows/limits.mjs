/** Row `limits`: what the machine could do at most, each part alone. */
import { startBare } from '../bare-server.mjs';
import { openBatches } from '../baseline.mjs';
import { connectDatabase } from '../database.mjs';
import { assertStored } from '../fixture.mjs';
import { runClosedLoop } from '../http.mjs';
import { readLoad, transferLoad } from '../requests.mjs';
import { perSecond } from '../table.mjs';
import { baselineOf } from './transfers.mjs';

const batchTransfers = 64;

export async function limits(context) {
  const { sizes } = context;
  const fixture = await context.fixture();
  const seconds = sizes.shortSideSeconds / 2;
  return [
    {
      name: 'limit: raw HTTP',
      figure: perSecond(await rawHttp(fixture, seconds)),
      baseline: 'bare Fastify, the same request and answer',
    },
    ...(await rawCommits(fixture, seconds)),
    {
      name: 'limit: batched inserts',
      figure: perSecond(await batchedInserts(context, fixture, seconds)),
      baseline: `transfers' rows, ${batchTransfers} a statement, nothing decided`,
    },
  ];
}

async function rawHttp({ connections, db, key, wallets }, seconds) {
  const load = transferLoad(key, wallets, 'raw');
  const { text, answer } = await new Promise((resolve, reject) => {
    const text = load.next();
    connections[0].send(
      text,
      (status, bytes, start) => {
        load.onAnswer(status, bytes, start);
        resolve({ text, answer: bytes.toString('utf8', start) });
      },
      reject,
    );
  });
  await assertStored(db, load);
  const bare = await startBare({ 'POST /v1/transfers': answer });
  const { count, seconds: took } = await runClosedLoop(bare.connections, seconds, readLoad([text]));
  await bare.stop();
  return count / took;
}

/** One short row a commit: the cheapest thing that is durable. */
async function rawCommits({ db, server }, seconds) {
  await db.query('create table if not exists bench_commits (n bigint)');
  const figures = [];
  for (const count of [1, 32]) {
    const clients = [];
    while (clients.length < count) clients.push(await connectDatabase(server.ownerUrl));
    const started = performance.now();
    let committed = 0;
    const work = async (client) => {
      while (performance.now() < started + seconds * 1000) {
        await client.query({
          name: 'commit',
          text: 'insert into bench_commits values ($1)',
          values: [committed],
        });
        committed += 1;
      }
    };
    await Promise.all(clients.map(work));
    const rate = (committed * 1000) / (performance.now() - started);
    for (const client of clients) await client.end();
    const connections = count === 1 ? 'one connection' : `${count} connections`;
    figures.push({
      name: 'limit: raw commits',
      figure: perSecond(rate),
      baseline: `one row each, ${connections}`,
    });
  }
  await db.query('drop table bench_commits');
  return figures;
}

async function batchedInserts(context, fixture, seconds) {
  const baseline = await baselineOf(context, fixture);
  const batches = await openBatches(baseline, batchTransfers);
  await batches.run(seconds / 4);
  const { count, seconds: took } = await batches.run(seconds);
  await batches.close();
  return count / took;
}
