/** Row `reads`: one transaction, and a list of 50, against a bare Fastify route that returns the same bytes. */
import { startBare } from '../bare-server.mjs';
import { runClosedLoop } from '../http.mjs';
import { getText, readLoad, transferLoad } from '../requests.mjs';
import { alternate } from '../slices.mjs';
import { compared } from '../table.mjs';

export async function reads(context) {
  const { sizes } = context;
  const { connections, key, wallets } = await context.fixture();
  const load = transferLoad(key, wallets, 'reads');
  await runClosedLoop(connections, sizes.sliceSeconds, load);
  const ids = load.acknowledged.slice(-1000);
  const one = ids.map((id) => getText(key, `/v1/transactions/${id}`));
  const list = [getText(key, '/v1/transactions?limit=50')];
  const bare = await startBare({
    'GET /one': await textOf(connections[0], one[0]),
    'GET /list': await textOf(connections[0], list[0]),
  });
  const side = (on, texts) => (seconds) => runClosedLoop(on, seconds, readLoad(texts));
  const sums = await alternate(
    {
      one: side(connections, one),
      bareOne: side(bare.connections, [getText(key, '/one')]),
      list: side(connections, list),
      bareList: side(bare.connections, [getText(key, '/list')]),
    },
    { seconds: sizes.shortSideSeconds, sliceSeconds: sizes.sliceSeconds },
  );
  await bare.stop();
  return [
    compared('reads: one', sums.one.perSecond, sums.bareOne.perSecond, 0.35, ' (bare Fastify)'),
    compared('reads: list of 50', sums.list.perSecond, sums.bareList.perSecond, 0.3, ' (bare Fastify)'),
  ];
}

function textOf(connection, request) {
  return new Promise((resolve, reject) => {
    connection.send(request, (_status, bytes, start) => resolve(bytes.toString('utf8', start)), reject);
  });
}
