/** Row `documents`: how long others' reads take while many connections load the documentation without a pause. */
import { openConnections, runClosedLoop } from '../http.mjs';
import { getText, readLoad } from '../requests.mjs';

const readers = 200;
const documentText = 'GET /docs HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\n\r\n';

export async function documents(context) {
  const { sizes } = context;
  const { connections, key, server, wallets } = await context.fixture();
  const others = connections.slice(0, 1);
  const read = getText(key, `/v1/crypto-wallets/${wallets[0].id}`);
  const alone = await timesOf(others[0], read, sizes.shortSideSeconds);
  const loading = await openConnections(server.url, readers);
  const ended = runClosedLoop(loading, sizes.shortSideSeconds, readLoad([documentText]));
  const beside = await timesOf(others[0], read, sizes.shortSideSeconds * 0.8);
  const { count, seconds } = await ended;
  for (const connection of loading) connection.close();
  const [p50Alone, p50Beside] = [alone, beside].map((times) => times[Math.floor(times.length / 2)] ?? 0);
  return [
    {
      name: 'documents',
      figure: `p50 ${p50Beside.toFixed(1)} ms beside ${readers} readers (${Math.round(count / seconds)}/s)`,
      baseline: `p50 ${p50Alone.toFixed(1)} ms alone`,
      values: { p50Alone, p50Beside, documentsPerSecond: count / seconds },
    },
  ];
}

/** Sends one request after the other. @returns how long each took, in milliseconds, the shortest first */
async function timesOf(connection, text, seconds) {
  const times = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await new Promise((resolve, reject) => {
      const onAnswer = (status) =>
        status === 200 ? resolve(undefined) : reject(new Error(`A read was answered ${status}`));
      connection.send(text, onAnswer, reject);
    });
    times.push(performance.now() - startMs);
  }
  return times.sort((one, other) => one - other);
}
