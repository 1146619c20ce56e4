/** Row `processes`: two servers on one database, half of the clients each, against one server with all of them. */
import { assertStored, clients } from '../fixture.mjs';
import { openConnections, runClosedLoop } from '../http.mjs';
import { transferLoad } from '../requests.mjs';
import { startServer } from '../server.mjs';
import { alternate } from '../slices.mjs';
import { compared } from '../table.mjs';

export async function processes(context) {
  const { sizes } = context;
  const { connections, db, key, server, wallets } = await context.fixture();
  const other = await startServer({ databaseUrl: server.databaseUrl });
  const half = connections.slice(0, clients / 2);
  const others = await openConnections(other.url, clients / 2);
  const loads = ['one', 'two'].map((name) => transferLoad(key, wallets, `processes-${name}`));
  const sides = {
    one: (seconds) => runClosedLoop(connections, seconds, loads[0]),
    // Each slice of `one` is followed by others' writes, as it would be behind a load balancer that has lost a server.
    two: (seconds) => runClosedLoop([...half, ...others], seconds, loads[1]),
  };
  await sides.two(sizes.sliceSeconds);
  const sums = await alternate(sides, { seconds: sizes.shortSideSeconds, sliceSeconds: sizes.sliceSeconds });
  for (const connection of others) connection.close();
  await other.stop();
  for (const load of loads) await assertStored(db, load);
  return [compared('processes', sums.two.perSecond, sums.one.perSecond, 0.9, ' (one process)')];
}
