import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A call of JSON-RPC as a node gets it. */
export interface RpcCall {
  readonly id: unknown;
  readonly method: string;
  // What a call holds is the test's own business.
  // biome-ignore lint/suspicious/noExplicitAny: parameters of every shape are read
  readonly params: any;
}

/** What goes back instead of a result. */
export class RpcReply {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/**
 * Answers a call: with a result, or with any reply at all.
 *
 * @param forward asks the real node and gives its result; throws the error that it answers as a reply
 */
// biome-ignore lint/suspicious/noExplicitAny: results of every shape are changed
export type Behaviour = (call: RpcCall, forward: (changed?: RpcCall) => Promise<any>) => unknown;

/** A node that can be made to do wrong: a real HTTP server in front of a real node. */
export interface BadNode {
  readonly url: string;
  /** What was asked since the start, by method. */
  readonly asked: ReadonlyMap<string, number>;
  /** Changes what it does; an honest node again when left out. */
  behave(behaviour?: Behaviour): void;
  stop(): Promise<void>;
}

/** Starts a node in front of another one. */
export async function startBadNode(behind: string): Promise<BadNode> {
  const honest: Behaviour = (_call, forward) => forward();
  let behaviour = honest;
  const asked = new Map<string, number>();

  const forward = async (call: RpcCall): Promise<unknown> => {
    const answer = await fetch(behind, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', ...call }),
    });
    const body = (await answer.json()) as { result?: unknown; error?: unknown };
    if (body.error !== undefined) throw new RpcReply(answer.status, body);
    return body.result;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = JSON.parse(await textOf(request)) as RpcCall;
    asked.set(call.method, (asked.get(call.method) ?? 0) + 1);
    let reply: RpcReply;
    try {
      const result = await behaviour(call, (changed = call) => forward(changed));
      reply =
        result instanceof RpcReply ? result : new RpcReply(200, { jsonrpc: '2.0', id: call.id, result });
    } catch (error) {
      reply = error instanceof RpcReply ? error : new RpcReply(502, 'Bad gateway');
    }
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(text);
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    behave(next = honest) {
      behaviour = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A refusal as JSON-RPC has it. */
export function refuse(call: RpcCall, code: number, message: string, status = 200): RpcReply {
  return new RpcReply(status, { jsonrpc: '2.0', id: call.id, error: { code, message } });
}

/** A node that is some blocks behind: it has no newer block, and knows of no log in one. */
export function lagging(blocks: () => number): Behaviour {
  return async (call, forward) => {
    const head = Number(await forward({ id: 1, method: 'eth_blockNumber', params: [] })) - blocks();
    const height = (value: unknown): number => (value === 'latest' ? head : Number(value));
    if (call.method === 'eth_getBlockByNumber') {
      const at = height(call.params[0]);
      return at > head ? null : forward({ ...call, params: [`0x${at.toString(16)}`, false] });
    }
    if (call.method !== 'eth_getLogs' || call.params[0].fromBlock === undefined) return forward();
    const [query] = call.params;
    const logs = await forward();
    return Number(query.fromBlock) > head
      ? []
      : logs.filter((log: { blockNumber: string }) => Number(log.blockNumber) <= head);
  };
}

const emptyBloom = `0x${'00'.repeat(256)}`;

/** A node that says that no block has a log. */
export const withoutLogs: Behaviour = async (call, forward) => {
  if (call.method === 'eth_getLogs') return [];
  const answer = await forward();
  return call.method.startsWith('eth_getBlockBy') && answer ? { ...answer, logsBloom: emptyBloom } : answer;
};

/** A node that says that nobody has any token. */
export const withoutBalances: Behaviour = (call, forward) =>
  call.method === 'eth_call' && call.params[0].data?.startsWith('0x70a08231')
    ? `0x${'0'.repeat(64)}`
    : forward();

/** A node that has no receipt of any transaction. */
export const withoutReceipts: Behaviour = (call, forward) =>
  call.method === 'eth_getTransactionReceipt' ? null : forward();

/** A node that says that another transaction of each account is in a block. */
export const withWrongNonces: Behaviour = async (call, forward) => {
  const answer = await forward();
  return call.method === 'eth_getTransactionCount' ? `0x${(Number(answer) + 1).toString(16)}` : answer;
};

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
