import { createHash } from 'node:crypto';
import { ChainError } from '../../../server/src/chains/errors.ts';
import { tronAnswers } from '../../support/chains/tron.ts';
import { createTronLedger, mainnet, type TronLedger, usdt } from '../../support/chains/tron-ledger.ts';
import { offered, refusalOf, takenAnswer } from '../../support/chains/tron-responses.ts';
import { addressOf } from '../../support/chains/tron-wire.ts';
import type { ChainModel, Lie, ModelNode } from './chain-model.ts';

type Body = Record<string, unknown>;

const stranger = 'TY72iA3SBtrds3QLYsS7LwYfkzXwAXCRWT';
/** How far behind a node with a stale head is. */
const staleBlocks = 3;

/**
 * Creates Tron with its nodes.
 *
 * @param treasury where payments come from
 */
export function createTronModel(nodeCount: number, treasury: string): ChainModel {
  const ledger = createTronLedger(mainnet);
  let deposits = 0;
  return {
    nodes: Array.from({ length: nodeCount }, (_, index) => createNode(ledger, `node${index}`)),
    height: () => ledger.head().number,
    mine: () => ledger.mine(),
    reorganise: (depth, vanishes) => ledger.fork(depth, vanishes),
    deposit(to, amount) {
      deposits += 1;
      const id = createHash('sha256').update(`deposit ${deposits} ${to}`).digest('hex');
      const payment = { token: usdt, from: stranger, to, amount, result: 'SUCCESS' } as const;
      ledger.add({ kind: 'payments', id, payments: [payment] });
      return id;
    },
    fund: (address) => ledger.giveSun(address, 1_000_000_000_000),
    addressOf: (bytes) => addressOf(`41${Buffer.from(bytes).toString('hex')}`),
    comparable: (address) => address,
    setFees: () => undefined,
    freeze: ledger.freeze,
    deposits: () =>
      moved(ledger, 'payments').map(({ amount, id, to }) => ({ txHash: id, to, amountMinor: amount })),
    payments: () =>
      moved(ledger, 'signed')
        .filter(({ from }) => from === treasury)
        .map(({ id, to }) => ({ txHash: id, to })),
    transactionOf: () => undefined,
    paidTo: (address) =>
      moved(ledger, 'signed')
        .filter(({ from, to }) => from === treasury && to === address)
        .map(({ amount }) => amount),
  };
}

/** The transfers on the chain as it is, of one kind of transactions. */
function moved({ blocks }: TronLedger, kind: 'payments' | 'signed') {
  return blocks
    .flatMap(({ results }) => results)
    .filter(({ item }) => item.kind === kind)
    .flatMap(({ item, transfers }) => transfers.map((transfer) => ({ ...transfer, id: item.id })));
}

function createNode(ledger: TronLedger, name: string): ModelNode {
  const node: ModelNode = {
    name,
    lie: undefined,
    async call(method, params, read) {
      if (node.lie === 'down') throw new ChainError('The node is unreachable (ECONNREFUSED).');
      return read(answer(ledger, node.lie, method, params as Body));
    },
    close: async () => undefined,
  };
  return node;
}

function answer(ledger: TronLedger, lie: Lie | undefined, method: string, body: Body): unknown {
  if (method === 'broadcasthex') return broadcast(ledger, body);
  const seen = lie === 'stale head' ? staleView(ledger) : ledger;
  const hasNoOutcomes =
    (lie === 'no logs' && method === 'gettransactioninfobyblocknum') ||
    (lie === 'no receipts' && method === 'gettransactioninfobyid');
  const found = tronAnswers(seen, new Set([usdt]), { hasNoOutcomes })[method]?.(body);
  if (found === undefined) throw new ChainError(`The node rejected ${method} with 405.`, 'rejected', 405);
  if (method === 'gettransactioninfobyid') return lyingReceipt(found as Body, lie);
  const isBalance = method === 'triggerconstantcontract' && String(body.data).startsWith('70a08231');
  if (lie === 'wrong balances' && isBalance) return { ...(found as Body), constant_result: ['0'.repeat(64)] };
  return found;
}

function lyingReceipt(receipt: Body, lie: Lie | undefined): Body {
  if (lie === 'receipts without logs') return { ...receipt, log: undefined };
  if (lie !== 'failed receipts' || receipt.log === undefined) return receipt;
  const failed = { ...(receipt.receipt as Body), result: 'REVERT' };
  return { ...receipt, log: undefined, result: 'FAILED', receipt: failed };
}

function broadcast(ledger: TronLedger, body: Body): unknown {
  const wire = offered(body);
  const refusal = refusalOf(ledger, wire);
  if (refusal) return refusal;
  ledger.add({ kind: 'signed', id: wire.id, wire });
  return takenAnswer(wire.id);
}

/** The ledger as a node sees it that is behind. */
function staleView(ledger: TronLedger): TronLedger {
  const blocks = ledger.blocks.slice(0, Math.max(1, ledger.blocks.length - staleBlocks));
  const head = blocks.at(-1) as (typeof blocks)[number];
  return {
    ...ledger,
    blocks,
    head: () => head,
    find(id) {
      const found = ledger.find(id);
      return found && found.block.number <= head.number ? found : undefined;
    },
  };
}
