/** Row `growth`: transfers and lists on a database with millions of transactions, against one with next to none. */
import { readPattern } from '../baseline.mjs';
import { connectDatabase } from '../database.mjs';
import { fillTransfers } from '../fill.mjs';
import { assertStored, clients, makeWallets } from '../fixture.mjs';
import { call, openConnections, runClosedLoop } from '../http.mjs';
import { getText, postText, readLoad, transferBody, transferLoad } from '../requests.mjs';
import { startServer, urlOfRole } from '../server.mjs';
import { alternate } from '../slices.mjs';
import { compared } from '../table.mjs';

const atLeast = 0.85;

/** Both databases lie in one PostgreSQL, and have the same customers: one is a copy of the other that was then filled. */
export async function growth({ say, sizes }) {
  const postgres = await startServer();
  const { wallets, key, pattern, urls } = await prepareDatabases(postgres, sizes);
  say(`storing ${sizes.transactions} transactions`);
  await fillTransfers(urls.full, wallets, sizes.transactions, pattern);
  await checkpoint(postgres);
  say('stored');

  const sides = { empty: await openSide(urls.empty), full: await openSide(urls.full) };
  const loads = Object.fromEntries(
    Object.keys(sides).map((name) => [name, transferLoad(key, wallets, `growth-${name}`)]),
  );
  const write = (name) => (seconds) => runClosedLoop(sides[name].connections, seconds, loads[name]);
  const list = (name) => (seconds) =>
    runClosedLoop(sides[name].connections, seconds, readLoad([getText(key, '/v1/transactions?limit=50')]));
  const times = { seconds: sizes.sideSeconds, sliceSeconds: sizes.sliceSeconds };
  for (const name of Object.keys(sides)) await write(name)(sizes.sliceSeconds * 2);
  const written = await alternate({ empty: write('empty'), full: write('full') }, times);
  const listed = await alternate(
    { empty: list('empty'), full: list('full') },
    { ...times, seconds: sizes.shortSideSeconds },
  );
  for (const [name, side] of Object.entries(sides)) {
    await assertStored(side.db, loads[name]);
    await side.close();
  }
  await postgres.stop();
  const empty = ' (empty)';
  return [
    compared('growth: spread', written.full.perSecond, written.empty.perSecond, atLeast, empty),
    compared('growth: list of 50', listed.full.perSecond, listed.empty.perSecond, atLeast, empty),
  ];
}

/** What was filled in is on the disk before anything is measured; only a superuser may ask for that. */
async function checkpoint(postgres) {
  const admin = await connectDatabase(urlOfRole(postgres, 'postgres', 'superuser'));
  await admin.query('checkpoint');
  await admin.end();
}

async function prepareDatabases(postgres, sizes) {
  const urls = Object.fromEntries(
    ['empty', 'full'].map((name) => {
      const url = new URL(postgres.ownerUrl);
      url.pathname = `/growth_${name}`;
      return [name, url.href];
    }),
  );
  const owner = new URL(postgres.ownerUrl).username;
  const admin = await connectDatabase(urlOfRole(postgres, 'postgres', 'superuser'));
  await admin.query(`create database growth_empty owner ${owner}`);
  const server = await startServer({ databaseUrl: urls.empty });
  const connections = await openConnections(server.url, clients);
  const wallets = await makeWallets(connections, server.testKey, sizes.growthWallets);
  const once = 'pattern';
  const { body } = await call(
    connections[0],
    postText(server.testKey, '/v1/transfers', transferBody(wallets[0]), once),
  );
  const db = await connectDatabase(urls.empty);
  const pattern = await readPattern(db, body.data.id, once);
  await db.end();
  for (const connection of connections) connection.close();
  await server.stop();
  await admin.query(`create database growth_full template growth_empty owner ${owner}`);
  await admin.end();
  return { wallets, key: server.testKey, pattern, urls };
}

async function openSide(databaseUrl) {
  const server = await startServer({ databaseUrl });
  const connections = await openConnections(server.url, clients);
  const db = await connectDatabase(databaseUrl);
  return {
    connections,
    db,
    async close() {
      for (const connection of connections) connection.close();
      await db.end();
      await server.stop();
    },
  };
}
