import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTronLedger, mainnet, type Payment, type TronLedger, usdt } from './tron-ledger.ts';
import {
  accountAnswer,
  blockAnswer,
  callAnswer,
  infoAnswer,
  nodeInfoAnswer,
  offered,
  pricesAnswer,
  refusalOf,
  resourcesAnswer,
  takenAnswer,
} from './tron-responses.ts';
import { addressOf } from './tron-wire.ts';

type Body = Record<string, unknown>;

/** How a node misbehaves, for as often as is said. */
export interface TronFaults {
  /** Takes a transaction, and closes the connection instead of answering. */
  silent: number;
  /** Answers that it has taken a transaction, and forgets it. */
  forgetful: number;
  /** Answers with something else than what it was asked for. */
  malformed: number;
  /** Says of no transaction what became of it. */
  hasNoOutcomes: boolean;
  /** What it says energy costs, in sun; undefined for the truth. */
  energySun: number | undefined;
  /** The last outcome of each block is left out. */
  omitsOutcomes: boolean;
  /** Outcomes of transactions that it is asked for by their ids are without events. */
  hasNoLogs: boolean;
  /** How many blocks the solidified one is behind the newest. */
  solidLag: number;
}

/** A full node of Tron over HTTP, with a chain of its own on which blocks are made when they are asked for. */
export interface TronNode {
  readonly url: string;
  readonly usdt: string;
  readonly ledger: TronLedger;
  readonly faults: TronFaults;
  /** The headers of the last request. */
  lastHeaders(): IncomingMessage['headers'];
  /** How many requests it has had, of one method or of all. */
  requests(method?: string): number;
  /** Somebody pays in one transaction, which waits for the next block. @returns the transaction's id */
  pay(...payments: (Pick<Payment, 'to' | 'amount'> & Partial<Payment>)[]): string;
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

const stranger = 'TY72iA3SBtrds3QLYsS7LwYfkzXwAXCRWT';
/** Nobody watches it: anybody can make it. */
export const foreignToken = 'TFz2CJn9CJb8C4i1Gke3jmZX2fRMJxniH2';

/** A block is solid once 19 of 27 producers have built on it. */
const usualSolidLag = 18;

/** What a node answers to each method that reads. */
export function tronAnswers(
  ledger: TronLedger,
  tokens: ReadonlySet<string>,
  faults: Partial<TronFaults>,
): Record<string, (body: Body) => unknown> {
  return {
    getblock: ({ id_or_num: number }) =>
      blockAnswer(number === undefined ? ledger.head() : ledger.blocks[Number(number)], false),
    getblockbynum: ({ num }) => blockAnswer(ledger.blocks[Number(num)], true),
    gettransactioninfobyblocknum({ num }) {
      const block = ledger.blocks[Number(num)];
      if (!block || block.number === 0) return {};
      const shown = block.results.slice(0, faults.omitsOutcomes ? -1 : undefined);
      return faults.hasNoOutcomes ? [] : shown.map((result) => infoAnswer(block, result));
    },
    gettransactioninfobyid({ value }) {
      const found = ledger.find(String(value));
      if (!found || faults.hasNoOutcomes) return {};
      return infoAnswer(found.block, faults.hasNoLogs ? { ...found.result, transfers: [] } : found.result);
    },
    triggerconstantcontract: (body) => callAnswer(ledger, tokens, body),
    getaccount: ({ address }) => accountAnswer(ledger, addressOf(String(address))),
    getaccountresource: ({ address }) => resourcesAnswer(ledger, addressOf(String(address))),
    getchainparameters: () => pricesAnswer(faults.energySun),
    getnodeinfo: () => nodeInfoAnswer(ledger, faults.solidLag ?? usualSolidLag),
  };
}

/**
 * Starts a node.
 *
 * @param network the id of its first block; the mainnet's when left out
 */
export async function startTron(network = mainnet): Promise<TronNode> {
  const ledger = createTronLedger(network);
  const tokens = new Set([usdt, foreignToken]);
  const faults: TronFaults = {
    silent: 0,
    forgetful: 0,
    malformed: 0,
    hasNoOutcomes: false,
    omitsOutcomes: false,
    hasNoLogs: false,
    solidLag: usualSolidLag,
    energySun: undefined,
  };
  let headers: IncomingMessage['headers'] = {};
  const requests: string[] = [];

  const broadcast = (body: Body): unknown => {
    const wire = offered(body);
    const refusal = refusalOf(ledger, wire);
    if (refusal) return refusal;
    if (faults.forgetful > 0) faults.forgetful -= 1;
    else ledger.add({ kind: 'signed', id: wire.id, wire });
    if (faults.silent === 0) return takenAnswer(wire.id);
    faults.silent -= 1;
    return undefined;
  };

  const answers = tronAnswers(ledger, tokens, faults);
  const methods: Record<string, (body: Body) => unknown> = { ...answers, broadcasthex: broadcast };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    headers = request.headers;
    const name = request.url?.replace('/wallet/', '') ?? '';
    requests.push(name);
    let text = '';
    for await (const chunk of request) text += chunk;
    const method = methods[name];
    if (!method) return void response.writeHead(405).end('<html></html>');
    if (faults.malformed > 0) {
      faults.malformed -= 1;
      return void response.end('{"block":"no"}');
    }
    let result: unknown;
    try {
      result = method(JSON.parse(text) as Body);
    } catch (error) {
      result = { Error: `class java.lang.Exception : ${(error as Error).message}` };
    }
    if (result === undefined) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result));
  };

  const server = createServer((request, response) => void answer(request, response));
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    usdt,
    ledger,
    faults,
    lastHeaders: () => headers,
    requests: (method) => requests.filter((name) => method === undefined || name === method).length,
    pay(...payments) {
      const id = randomBytes(32).toString('hex');
      const whole = payments.map((payment) => ({
        token: usdt,
        from: stranger,
        result: 'SUCCESS' as const,
        ...payment,
      }));
      ledger.add({ kind: 'payments', id, payments: whole });
      return id;
    },
    down: close,
    up: () => listen(port),
    stop: async () => {
      if (server.listening) await close();
    },
  };
}
