import { type Dispatcher, request } from 'undici';
import type { KnownIds } from './known-ids.ts';
import type { Credential, FuzzRequest } from './requests.ts';
import { withIds } from './values.ts';

/** The server under the fuzzer. */
export interface Target {
  readonly url: string;
  readonly agent: Dispatcher;
  readonly ids: KnownIds;
  readonly keys: { readonly test: string; readonly live: string };
}

/** An answer that a server must never give, with the request that got it. */
class FuzzError extends Error {}

/**
 * Sends a request and judges the answer by the document.
 *
 * @returns the status
 * @throws FuzzError when it is a 5xx, an undeclared status, no envelope, or not what its schema says
 */
export async function exchange(target: Target, fuzzed: FuzzRequest): Promise<number> {
  const sent = wire(target, fuzzed);
  const answer = await request(target.url, { ...sent, dispatcher: target.agent });
  const text = await answer.body.text();
  const { operation } = fuzzed;
  const told = (what: string): FuzzError =>
    new FuzzError(
      `${operation.id}: ${what}\n${sent.method} ${sent.path}\n${JSON.stringify(sent.headers)}\n${sent.body ?? ''}\n` +
        `→ ${answer.statusCode} ${text.slice(0, 2000)}`,
    );
  if (answer.statusCode >= 500) throw told('a fault of the server');
  if (!String(answer.headers['content-type']).startsWith('application/json')) throw told('no JSON');
  if (!answer.headers['x-request-id']) throw told('no request id');
  const envelope = readEnvelope(text);
  if (envelope?.ok !== (answer.statusCode === 200)) throw told('not the envelope');
  const check = operation.checks.get(answer.statusCode);
  if (!check) throw told('an undeclared status');
  if (!check(envelope)) throw told(`not what its schema says: ${JSON.stringify(check.errors)}`);
  if (envelope.ok) target.ids.learn(operation.path, envelope.data);
  else if (!isError(envelope.error)) throw told('an error without reason or request id');
  return answer.statusCode;
}

function readEnvelope(text: string): { ok?: unknown; data?: unknown; error?: unknown } | undefined {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

function isError(error: unknown): boolean {
  const { docUrl, message, reason, requestId } = error as Record<string, unknown>;
  return [docUrl, message, reason, requestId].every((field) => typeof field === 'string' && field !== '');
}

function wire({ ids, keys }: Target, { body, credential, headers, operation, params, query }: FuzzRequest) {
  const choose = ids.chooser();
  const pathParams = withIds(params, choose) as Record<string, unknown>;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(pathParams[name]));
  const pairs = query.map(([name, value]) => `${encode(name)}=${encode(withIds(value, choose))}`);
  return {
    method: operation.method as 'GET',
    path: pairs.length === 0 ? path : `${path}?${pairs.join('&')}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...authorisation(credential, keys),
      ...headers,
    },
    body: printBody(body, choose),
  };
}

function printBody(
  body: FuzzRequest['body'],
  choose: ReturnType<KnownIds['chooser']>,
): string | Buffer | null {
  if (body === undefined) return null;
  return 'raw' in body ? body.raw : JSON.stringify(withIds(body.json, choose));
}

function authorisation(credential: Credential, keys: Target['keys']): Record<string, string> {
  switch (credential) {
    case 'none':
      return {};
    case 'wrong':
      return { authorization: `Bearer ${keys.test.slice(0, -1)}` };
    case 'other header':
      return { 'x-api-key': keys.test };
    case 'both':
      return { authorization: `Bearer ${keys.test}`, 'x-api-key': keys.live };
    case 'basic':
      return { authorization: 'Basic YWRhOnBhc3N3b3Jk' };
    default:
      return { authorization: `Bearer ${keys[credential]}` };
  }
}

/** As it goes into a URL; a lone surrogate cannot. */
function encode(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const encoded = encodeURIComponent(text.toWellFormed());
  // What a URL takes for a way up is sent as text.
  return encoded === '.' || encoded === '..' ? encoded.replaceAll('.', '%2E') : encoded;
}
