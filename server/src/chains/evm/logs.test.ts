import { expect, it } from 'vitest';
import { limits } from '../../platform/limits.ts';
import { ChainError } from '../errors.ts';
import { addressTopic, transferTopic } from './erc20.ts';
import { fetchBlockLogs, fetchLogs } from './logs.ts';

/** What a provider's endpoint responds: at most so many logs, or a refusal. */
const receivers = Array.from({ length: 8 }, (_, index) => `0x${(index + 1).toString(16).padStart(40, '0')}`);
const tokens = ['0x'.padEnd(42, 'a'), '0x'.padEnd(42, 'b')];
const watched = {
  size: receivers.length,
  has: (one: string) => receivers.includes(one),
  keys: () => receivers.values(),
};
const perBlock = tokens.flatMap((address) => receivers.map((to) => ({ address, to })));

// biome-ignore lint/suspicious/noExplicitAny: the request of a test
type Query = any;

function provider(most: number, asked: Query[] = []) {
  return {
    async call<Result>(_method: string, [query]: Query, read: (result: unknown) => Result): Promise<Result> {
      asked.push(query);
      const [from, to] = query.blockHash ? [7, 7] : [Number(query.fromBlock), Number(query.toBlock)];
      const found = [];
      for (let height = from; height <= to; height += 1) {
        for (const [index, { address, to: receiver }] of perBlock.entries()) {
          const isWanted = query.topics[2] === undefined || query.topics[2].includes(addressTopic(receiver));
          if (!query.address.includes(address) || !isWanted) continue;
          found.push({
            address,
            topics: [transferTopic, addressTopic(receiver), addressTopic(receiver)],
            data: `0x${'1'.padStart(64, '0')}`,
            blockNumber: `0x${height.toString(16)}`,
            blockHash: `0x${height.toString(16).padStart(64, '0')}`,
            transactionHash: `0x${'2'.padStart(64, '0')}`,
            logIndex: `0x${index.toString(16)}`,
          });
        }
      }
      if (found.length > most) throw new ChainError('query returned more than allowed', 'rejected');
      return read(found);
    },
  };
}

const byReceiver = { address: tokens, topics: [transferTopic, null, receivers.map(addressTopic)] };
const ofEverybody = { address: tokens, topics: [transferTopic] };

it.each([byReceiver, ofEverybody])(
  'reads a block that is larger than the limit of a provider in parts',
  async (filter) => {
    const logs = await fetchBlockLogs(provider(1), filter, `0x${'7'.padStart(64, '0')}`, watched);
    expect(logs.map(({ logIndex }) => logIndex).sort((a, b) => a - b)).toEqual(
      perBlock.map((_, index) => index),
    );
  },
);

it('reads a range in smaller ones, and a single block of it in parts', async () => {
  const asked: Query[] = [];
  const size = { blocks: 16, responses: 0 };
  const logs = await fetchLogs(
    provider(perBlock.length / 2, asked),
    byReceiver,
    { from: 1, to: 16 },
    size,
    watched,
  );
  expect(logs).toHaveLength(16 * perBlock.length);
  expect(asked.every(({ fromBlock, toBlock }) => fromBlock !== undefined && toBlock !== undefined)).toBe(
    true,
  );
  expect(size.blocks).toBeLessThan(16);
});

it('fails where one contract and one receiver are too much, and where the block is unknown', async () => {
  await expect(fetchBlockLogs(provider(0), byReceiver, '0x7', watched)).rejects.toThrow('more than allowed');
  const asked: Query[] = [];
  const without = {
    async call(_method: string, [query]: Query): Promise<never> {
      asked.push(query);
      throw new ChainError('unknown block', 'rejected');
    },
  };
  await expect(fetchBlockLogs(without, byReceiver, '0x7', watched)).rejects.toMatchObject({
    kind: 'unsettled',
  });
  expect(asked).toHaveLength(1);
  expect(limits.logAnswerBytes).toBeLessThan(limits.nodeAnswerBytes);
});
