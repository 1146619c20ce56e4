import { ChainError } from '../../../server/src/chains/errors.ts';
import type { ChainModel, ModelNode } from './chain-model.ts';
import { answerEvm, Rejection } from './evm-answers.ts';
import { createEvmChain, type EvmChain } from './evm-chain.ts';

/**
 * Creates an EVM chain with its nodes.
 *
 * @param treasury where payments come from
 */
export function createEvmModel(chainId: number, nodeCount: number, treasury: string): ChainModel {
  const chain = createEvmChain();
  const from = treasury.toLowerCase();
  return {
    nodes: Array.from({ length: nodeCount }, (_, index) => createNode(chain, chainId, `node${index}`)),
    height: () => chain.blocks.length - 1,
    mine: chain.mine,
    reorganise: chain.reorganise,
    deposit: chain.deposit,
    fund: chain.fund,
    setFees: chain.setFees,
    freeze: chain.freeze,
    addressOf: (bytes) => `0x${Buffer.from(bytes).toString('hex')}`,
    comparable: (address) => address.toLowerCase(),
    deposits: () =>
      chain.blocks
        .flatMap(({ mined }) => mined.map(({ item }) => item))
        .flatMap((item) =>
          item.kind === 'deposit' ? [{ txHash: item.hash, to: item.to, amountMinor: item.amount }] : [],
        ),
    payments: () =>
      chain.blocks.flatMap(({ mined }) =>
        mined.flatMap(({ item, logs }) =>
          logs.filter((log) => log.from === from).map(({ to }) => ({ txHash: item.hash, to })),
        ),
      ),
    transactionOf: (nonce) =>
      chain.blocks
        .flatMap(({ mined }) => mined.map(({ item }) => item))
        .find((item) => item.kind === 'signed' && item.from === from && BigInt(item.nonce) === nonce)?.hash,
    paidTo: (address) =>
      chain.blocks
        .flatMap(({ mined }) => mined.flatMap(({ logs }) => logs))
        .filter((log) => log.from === from && log.to === address.toLowerCase())
        .map(({ amount }) => amount),
  };
}

function createNode(chain: EvmChain, chainId: number, name: string): ModelNode {
  const node: ModelNode = {
    name,
    lie: undefined,
    async call(method, params, read) {
      if (node.lie === 'down') throw new ChainError('The node is unreachable (ECONNREFUSED).');
      let answer: unknown;
      try {
        answer = await answerEvm(chain, chainId, node.lie, method, params);
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        throw new ChainError(`The node rejected ${method}: ${error.message}`, 'rejected', -32000);
      }
      return read(answer);
    },
    close: async () => undefined,
  };
  return node;
}
