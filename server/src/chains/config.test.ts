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
