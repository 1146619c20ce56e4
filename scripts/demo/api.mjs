import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from './say.mjs';

const requestTimeoutMs = 5000;
const pollMs = 100;

/**
 * Reaches the server and makes a client for it.
 *
 * @param url the base URL
 * @param readKey gives the API key; asked only once a server has answered
 * @throws DemoError when no server answers there
 */
export async function connect(url, readKey) {
  const health = await send(`${url}/v1/health`, {}).catch((error) => {
    if (error instanceof DemoError) throw new DemoError(`${error.message}\n  Start a server with: npm start`);
    throw error;
  });
  if (health.data?.status !== 'ok') {
    throw new DemoError(
      `What answers at ${url} is not a healthy OpenLedger server: ${health.text.slice(0, 200)}`,
    );
  }
  const authorization = `Bearer ${readKey()}`;
  const call = (method, path, body, headers = {}) =>
    send(url + path, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  /** Calls and gives the answer's data. */
  const expectOk = async (method, path, body, headers) => {
    const answer = await call(method, path, body, headers);
    if (answer.status === 200) return answer.data;
    const hint = answer.status === 401 ? '\n  Make a key with: npx openledger keys create --env test' : '';
    throw new DemoError(
      `${method} ${path} answered ${answer.status}: ${answer.error?.message ?? answer.text}${hint}`,
    );
  };
  return {
    url,
    version: health.data.version,
    call,
    get: (path) => expectOk('GET', path),
    post: (path, body, headers) => expectOk('POST', path, body, headers),
    delete: (path) => expectOk('DELETE', path),
  };
}

async function send(url, init) {
  let status;
  let headers;
  let text;
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) });
    ({ headers, status } = response);
    text = await response.text();
  } catch (error) {
    const { origin } = new URL(url);
    if (error.name === 'TimeoutError') throw new DemoError(`${origin} took too long to answer.`);
    throw new DemoError(`No server answers at ${origin} (${error.cause?.code ?? error.message}).`);
  }
  return { status, headers, text, ...parse(text) };
}

function parse(text) {
  try {
    const { data, error, nextCursor } = JSON.parse(text);
    return { data, error, nextCursor };
  } catch {
    return {};
  }
}

/**
 * Looks again and again until `look` gives something.
 *
 * @param look gives undefined while it is not there yet
 * @param late says what is missing when the time is up
 */
export async function waitFor(look, timeoutMs, late) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new DemoError(`After ${timeoutMs / 1000} s ${late()}.`);
    await sleep(pollMs);
  }
}
