/** What the rows stand on: a server with funded wallets, and connections to it. */
import { connectDatabase } from './database.mjs';
import { call, openConnections } from './http.mjs';
import { getText, postText } from './requests.mjs';
import { startServer } from './server.mjs';
import { watchResident } from './usage.mjs';

const walletsPerCustomer = 20;
/** The number of concurrent clients. */
export const clients = 64;

/**
 * Starts a server with an embedded PostgreSQL of its own and makes wallets on it, through its API.
 *
 * @param {{ wallets: number, checkout?: string, lanes?: string, profileDir?: string }} options
 */
export async function prepareFixture({ wallets: count, checkout, lanes, profileDir }) {
  const server = await startServer({ checkout, lanes, profileDir });
  const resident = watchResident(server.pid);
  const connections = await openConnections(server.url, clients);
  const db = await connectDatabase(server.ownerUrl);
  const wallets = await makeWallets(connections, server.testKey, count);
  return {
    server,
    key: server.testKey,
    connections,
    db,
    wallets,
    /** The greatest resident size of the server so far, in MB. */
    greatestResidentMb: resident.greatestMb,
    async close() {
      resident.stop();
      // So many new rows, and PostgreSQL may not have counted them yet.
      await db.query('analyze');
      for (const connection of connections) connection.close();
      // The server may have ended a connection that was idle for long.
      const [connection] = await openConnections(server.url, 1);
      await assertBooks(connection, server.testKey);
      connection.close();
      await db.end();
      await server.stop();
    },
  };
}

/**
 * Makes customers with wallets and money in them.
 *
 * @returns {Promise<{ id: string, customerId: string }[]>}
 */
export async function makeWallets(connections, key, count) {
  const make = async (connection, path, body) => {
    const { status, body: answer } = await call(connection, postText(key, path, body));
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${JSON.stringify(answer)}`);
    return answer.data;
  };
  const customers = Array.from({ length: Math.ceil(count / walletsPerCustomer) }, (_, index) => index);
  const wallets = [];
  await inParallel(connections, customers, async (connection, index) => {
    const person = { email: `bench-${index}@example.com`, firstName: 'Ada', lastName: 'Lovelace' };
    const { id: customerId } = await make(connection, '/v1/customers', person);
    await make(connection, `/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
    const number = Math.min(walletsPerCustomer, count - index * walletsPerCustomer);
    for (let made = 0; made < number; made += 1) {
      const wallet = await make(connection, '/v1/crypto-wallets', { customerId });
      const deposit = { walletId: wallet.id, chain: 'solana', currency: 'usdc', amount: '100000000' };
      await make(connection, '/v1/sandbox/crypto-deposits', deposit);
      wallets.push({ id: wallet.id, customerId });
    }
  });
  return wallets;
}

async function inParallel(connections, items, work) {
  const waiting = [...items];
  await Promise.all(
    connections.map(async (connection) => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
        await work(connection, item);
    }),
  );
}

/**
 * Proves that a load's transfers are stored: every acknowledged one once, with one journal, and no other under its keys.
 *
 * @throws Error when one is missing, or there twice
 */
export async function assertStored(db, { name, acknowledged }) {
  const distinct = new Set(acknowledged).size;
  if (distinct !== acknowledged.length) throw new Error(`${name}: two requests were given the same transfer`);
  const { rows } = await db.query(
    `with acknowledged as materialized (select unnest($1::text[]) as id)
      select (select count(*)::int4 from idempotency_keys where key like $2) as keys,
        (select count(*)::int4 from acknowledged join transactions using (id)) as transfers,
        (select count(*)::int4 from acknowledged join journals on transaction_id = acknowledged.id) as journals`,
    [acknowledged, `${name}-%`],
  );
  for (const [what, count] of Object.entries(rows[0])) {
    if (count !== distinct)
      throw new Error(`${name}: ${distinct} were acknowledged, but ${count} ${what} are stored`);
  }
  return distinct;
}

/** @throws Error when the server finds anything wrong with its books */
async function assertBooks(connection, key) {
  const { status, body } = await call(connection, getText(key, '/v1/ledger/verify'));
  if (status === 200 && body.data.ok) return;
  throw new Error(`The books are not in order: ${JSON.stringify(body)}`);
}
