/**
 * A light HTTP/1.1 client: one request at a time on each of a fixed number of connections, written and read on the bare
 * socket, so that it takes little of the machine that the server under test runs on.
 */
import { connect } from 'node:net';

const headEnd = Buffer.from('\r\n\r\n');

/**
 * Opens connections to a server.
 *
 * @param {string} url where it listens
 * @param {number} count how many connections
 */
export async function openConnections(url, count) {
  const { hostname, port } = new URL(url);
  return Promise.all(Array.from({ length: count }, () => openConnection(hostname, Number(port))));
}

function openConnection(host, port) {
  const socket = connect({ host, port, noDelay: true });
  let waiting;
  /** Why the connection is of no use any more. */
  let broken;
  let chunks = [];
  let missing = 0;
  let status = 0;
  let bodyStart = 0;

  const fail = (error) => {
    broken ??= error;
    waiting?.onError(broken);
    waiting = undefined;
    socket.destroy();
  };
  const end = () => {
    const { onAnswer } = waiting;
    waiting = undefined;
    const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks = [];
    onAnswer(status, bytes, bodyStart);
  };
  /** @returns whether an answer that was asked for begins */
  const begins = (chunk) => {
    const at = chunk.indexOf(headEnd);
    const head = chunk.latin1Slice(0, Math.max(at, 0));
    status = Number(head.slice(9, 12));
    if (at < 0) fail(new Error('The head of an answer came in parts'));
    else if (!waiting) fail(new Error(`The server answered ${status} on a connection without a request`));
    bodyStart = at + 4;
    missing = bodyStart + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    return broken === undefined;
  };
  socket.on('data', (chunk) => {
    if (chunks.length === 0 && !begins(chunk)) return;
    chunks.push(chunk);
    missing -= chunk.length;
    if (missing <= 0) end();
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The server closed a connection')));

  const connection = {
    /** Sends a request; `onAnswer` gets the status, all bytes of the answer, and where its body starts. */
    send(text, onAnswer, onError) {
      if (broken) return onError(broken);
      waiting = { onAnswer, onError };
      socket.write(text, 'latin1');
    },
    close: () => socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(connection));
    socket.once('error', reject);
  });
}

/** Sends one request and waits for its answer: the status and the parsed body. */
export function call(connection, text) {
  return new Promise((resolve, reject) => {
    const onAnswer = (status, bytes, start) => {
      resolve({ status, body: JSON.parse(bytes.toString('utf8', start)) });
    };
    connection.send(text, onAnswer, reject);
  });
}

/**
 * Each connection sends its next request as soon as it has its answer (a closed loop), until the time is over; what is
 * under way then is waited for.
 *
 * @param load `next(connection)` gives a request's text; `onAnswer(status, bytes, bodyStart, connection)` takes its answer
 * @returns {Promise<{ count: number, seconds: number }>} how many answers there were, in how long
 */
export async function runClosedLoop(connections, seconds, load) {
  const started = performance.now();
  const endMs = started + seconds * 1000;
  let count = 0;
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise((resolve, reject) => {
          const step = () => {
            if (performance.now() >= endMs) return resolve(undefined);
            connection.send(load.next(connection), onAnswer, reject);
          };
          const onAnswer = (status, bytes, bodyStart) => {
            count += 1;
            load.onAnswer(status, bytes, bodyStart, connection);
            step();
          };
          step();
        }),
    ),
  );
  return { count, seconds: (performance.now() - started) / 1000 };
}

/**
 * Sends at a fixed rate, whatever the server does (an open loop): a request's time runs from when it was due, so that
 * waiting for a free connection counts.
 *
 * @returns {Promise<number[]>} how long each took, in milliseconds, in order
 */
export async function runOpenLoop(connections, seconds, ratePerSecond, load) {
  const started = performance.now();
  const wanted = Math.floor(seconds * ratePerSecond);
  const idle = [...connections];
  const timesMs = [];
  let sent = 0;
  await new Promise((resolve, reject) => {
    const turn = () => {
      const due = Math.min(wanted, Math.floor(((performance.now() - started) * ratePerSecond) / 1000));
      while (sent < due && idle.length > 0) {
        const connection = idle.pop();
        const dueMs = started + (sent * 1000) / ratePerSecond;
        sent += 1;
        connection.send(
          load.next(),
          (status, bytes, bodyStart) => {
            timesMs.push(performance.now() - dueMs);
            load.onAnswer(status, bytes, bodyStart);
            idle.push(connection);
            if (timesMs.length === wanted) {
              clearInterval(timer);
              resolve(undefined);
            } else turn();
          },
          reject,
        );
      }
    };
    const timer = setInterval(turn, 1);
  });
  return timesMs.sort((a, b) => a - b);
}
