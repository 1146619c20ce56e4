import { expect, it } from 'vitest';
import { parseChains } from './config.ts';

const chainsWith = (url: string) => parseChains(JSON.stringify({ base: { rpc: [url] } }));

it.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('of %i nodes %i must agree by default', (nodes, agreement) => {
  const rpc = Array.from({ length: nodes }, (_, at) => `https://node-${at}.example`);
  expect(parseChains(JSON.stringify({ base: { rpc } }))).toMatchObject({ chains: [{ agreement }] });
});

it.each([
  'https://node.example/v1/key',
  'http://127.0.0.1:8545',
  'http://localhost:8545',
  'http://[::1]:8545',
])('takes the node %s', (url) => {
  expect(chainsWith(url)).toHaveProperty('chains');
});

it.each([
  'http://node.example',
  'http://10.0.0.5:8545',
  'http://localhost.example',
  'http://hunter2@node.example',
])('refuses the node %s, whose traffic others can read, without repeating it', (url) => {
  expect(chainsWith(url)).toEqual({
    faults: ['/base/rpc/0: Must be an https URL, or an http URL of a loopback host.'],
  });
});

const finalityOf = (chain: string, more: object = {}) =>
  parseChains(JSON.stringify({ [chain]: { rpc: ['https://node.example'], ...more } }));

it.each([
  ['ethereum', {}, { finality: 'finalized', confirmations: 1 }],
  ['arbitrum', {}, { finality: 'finalized', confirmations: 1 }],
  ['base', {}, { finality: 'finalized', confirmations: 1 }],
  ['optimism', {}, { finality: 'finalized', confirmations: 1 }],
  ['polygon', {}, { finality: 'finalized', confirmations: 1 }],
  ['avalanche', {}, { finality: 'confirmations', confirmations: 4 }],
  ['solana', {}, { finality: 'finalized', confirmations: 1 }],
  ['tron', {}, { finality: 'finalized', confirmations: 1 }],
  // A file that says how many blocks are enough keeps its meaning.
  ['ethereum', { confirmations: 12 }, { finality: 'confirmations', confirmations: 12 }],
  ['base', { finality: 'safe' }, { finality: 'safe', confirmations: 1 }],
  ['base', { finality: 'finalized', confirmations: 30 }, { finality: 'finalized', confirmations: 30 }],
  ['tron', { finality: 'confirmations' }, { finality: 'confirmations', confirmations: 20 }],
])('blocks of %s are final, with %j, by %j', (chain, more, expected) => {
  expect(finalityOf(chain, more)).toMatchObject({ chains: [expected] });
});

it.each([
  ['solana', { finality: 'confirmations' }, 'Must be omitted: only finalized blocks are read on Solana.'],
  ['tron', { finality: 'safe' }, 'Must be finalized or confirmations on Tron.'],
  ['base', { finality: 'latest' }, 'Must be one of finalized, safe, confirmations.'],
])('refuses a finality that %s does not have: %j', (chain, more, message) => {
  expect(finalityOf(chain, more)).toEqual({ faults: [`/${chain}/finality: ${message}`] });
});
