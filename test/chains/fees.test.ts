import { bytesToHex, type Hex, keccak256, parseGwei, parseTransaction, toHex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parseChains } from '../../server/src/chains/config.ts';
import { readTerms } from '../../server/src/chains/evm/fees.ts';
import { openChain } from '../../server/src/chains/families.ts';
import type { ChainPort, Prepared, SignedAttempt } from '../../server/src/chains/port.ts';
import type { TransactionSigner } from '../../server/src/chains/signing.ts';
import { type Anvil, deployToken, mnemonic, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { type BadNode, refuse, startBadNode } from '../support/chains/bad-node.ts';
import { chainEntry } from '../support/chains/live.ts';

/** What payments offer and cost on a real node, which is followed as several chains. The treasury is an account of the node. */

const account = mnemonicToAccount(mnemonic);
const signer: TransactionSigner = {
  async sign({ unsigned }) {
    const transaction = await account.signTransaction(parseTransaction(bytesToHex(unsigned)) as never);
    return { transaction: Buffer.from(transaction.slice(2), 'hex'), id: keccak256(transaction) };
  },
  async signAuthorization() {
    throw new Error('Nothing is authorised here');
  },
  lastSigned: async () => undefined,
};
const intent = {
  kind: 'transfer',
  currency: 'usdc',
  amount: 1_000_000n,
  address: '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045',
} as const;

let anvil: Anvil;
let node: BadNode;
let usdc: TestToken;
const ports: ChainPort[] = [];

/** Follows the node as one of the chains. */
async function open(chain: string, more: object = {}): Promise<ChainPort> {
  const entry = chainEntry(anvil, { usdc }, { rpc: [node.url], ...more });
  const parsed = parseChains(JSON.stringify({ [chain]: entry }));
  if ('faults' in parsed) throw new Error(parsed.faults.join());
  const [config] = parsed.chains;
  if (!config) throw new Error('The chain is missing');
  const port = openChain(config, account.address, signer, () => undefined);
  ports.push(port);
  await port.reader.head();
  return port;
}

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337 });
  node = await startBadNode(anvil.url);
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  await usdc.send('mint', [account.address, 1_000_000_000n]);
});
afterEach(() => node.behave());
afterAll(async () => {
  for (const port of ports) await port.close();
  await node?.stop();
  await anvil?.stop();
});

function termsOf(prepared: Prepared) {
  if ('blockedBy' in prepared) throw new Error(prepared.blockedBy.text);
  return readTerms(prepared.terms);
}

/** Signs a payment at what is asked for now, and sends it; no block is made. */
async function sendPayment(port: ChainPort) {
  await anvil.client.setAutomine(false);
  const prepared = await port.sender.prepare('payment', intent);
  if ('blockedBy' in prepared) throw new Error(prepared.blockedBy.text);
  const sequence = await port.sender.nextSequence(account.address);
  const payment = { id: 'payment', intent, sender: account.address, sequence };
  const attempt = await port.sender.sign(payment, await port.sender.encode(payment, prepared.terms), []);
  await port.sender.broadcast(attempt);
  const follow = (attempts: readonly SignedAttempt[] = [attempt], ageMs = 2 * 60 * 60 * 1000) =>
    port.sender.follow(payment, attempts, ageMs);
  return { attempt, payment, follow };
}

/** Makes blocks with this base fee, each empty if nothing can pay it. */
async function mineAt(baseFeeWei: bigint, count = 1): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    await anvil.client.setNextBlockBaseFeePerGas({ baseFeePerGas: baseFeeWei });
    await anvil.client.mine({ blocks: 1 });
  }
}

async function dropAll(): Promise<void> {
  const request = anvil.client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>;
  await request({ method: 'anvil_dropAllTransactions', params: [] });
}

const emptyPool = async (): Promise<void> => {
  await dropAll();
  await anvil.client.setAutomine(true);
};

test('on Polygon a payment offers 25 gwei, which its validators demand, though nodes suggest less', async () => {
  expect(await anvil.client.estimateMaxPriorityFeePerGas()).toBeLessThan(parseGwei('25'));
  const port = await open('polygon');
  const { maxFeePerGas, maxPriorityFeePerGas } = termsOf(await port.sender.prepare('payment', intent));
  expect(maxPriorityFeePerGas).toBe(parseGwei('25'));
  expect(maxFeePerGas).toBeGreaterThan(parseGwei('25'));
});

test.each([
  ['50 times the tip', toHex(50n * 10n ** 9n)],
  ['an absurd tip', toHex(2n ** 255n)],
])('a node that reports %s makes a payment offer half of the limit at most', async (_, tip) => {
  const port = await open('ethereum');
  node.behave(async (call, forward) => {
    if (call.method === 'eth_maxPriorityFeePerGas') return tip;
    const answer = await forward();
    if (call.method !== 'eth_feeHistory') return answer;
    return { ...answer, reward: answer.reward.map(() => [tip, tip]) };
  });
  const terms = termsOf(await port.sender.prepare('payment', intent));
  expect(terms.maxPriorityFeePerGas).toBe(parseGwei('2.5'));
});

test('a node that reports an absurd base fee stops payments instead of making us pay for it', async () => {
  const port = await open('ethereum');
  node.behave(async (call, forward) => {
    const answer = await forward();
    return call.method === 'eth_feeHistory' ? { ...answer, baseFeePerGas: [toHex(2n ** 250n)] } : answer;
  });
  expect(await port.sender.prepare('payment', intent)).toMatchObject({ blockedBy: { policy: 'retry' } });
});

test('a node without the methods for fees is asked for the base fee, and stays healthy', async () => {
  const port = await open('base');
  node.behave((call, forward) => {
    if (call.method === 'eth_feeHistory' || call.method === 'eth_maxPriorityFeePerGas')
      return refuse(call, -32601, 'the method does not exist');
    return forward();
  });
  const terms = termsOf(await port.sender.prepare('payment', intent));
  expect(terms.maxPriorityFeePerGas).toBe(parseGwei('0.001'));
  expect(port.nodes().map(({ fault }) => fault)).toEqual([null]);
});

test('one transaction never costs more than signing.maxFee', async () => {
  const port = await open('ethereum', { signing: { maxFee: '0.000001' } });
  expect(await port.sender.prepare('payment', intent)).toMatchObject({ blockedBy: { policy: 'retry' } });
});

test('an OP Stack chain charges for data beside the gas, which is set aside before signing', async () => {
  // Returns a tenth of a coin, whatever it is asked for.
  const oracle = '0x420000000000000000000000000000000000000F';
  const returning = (wei: bigint): Hex => `0x67${wei.toString(16).padStart(16, '0')}60005260206000f3`;
  await anvil.client.setCode({ address: oracle, bytecode: returning(10n ** 15n) });
  const [base, arbitrum] = [await open('base'), await open('arbitrum')];
  const prepared = await base.sender.prepare('payment', intent);
  const terms = termsOf(prepared);
  // Both the data and the operator, with a quarter more.
  expect(terms.l1FeeWei).toBe(25n * 10n ** 14n);
  expect(prepared).toMatchObject({ cost: { native: terms.gas * terms.maxFeePerGas + terms.l1FeeWei } });
  expect(termsOf(await arbitrum.sender.prepare('payment', intent)).l1FeeWei).toBe(0n);

  const held = await anvil.client.getBalance({ address: account.address });
  await anvil.client.setBalance({ address: account.address, value: 2n * 10n ** 15n });
  expect(await base.sender.prepare('payment', intent)).toMatchObject({
    blockedBy: { policy: 'retry', text: expect.stringContaining('too little native coin') },
  });
  expect(await arbitrum.sender.prepare('payment', intent)).toHaveProperty('terms');
  await anvil.client.setBalance({ address: account.address, value: held });
  await anvil.client.setCode({ address: oracle, bytecode: returning(10n ** 18n) });
  expect(await base.sender.prepare('payment', intent)).toMatchObject({ blockedBy: { policy: 'retry' } });
  await anvil.client.setCode({ address: oracle, bytecode: '0x' });
});

test('a halted chain of two hours causes no replacement; blocks that are too expensive cause one', async () => {
  const port = await open('ethereum');
  const { attempt, follow } = await sendPayment(port);
  const before = readTerms(attempt.terms);
  expect(await follow()).toEqual({ kind: 'waiting', isKnown: true });
  await mineAt(before.maxFeePerGas + parseGwei('5'), 2);
  expect(await follow(undefined, 1000)).toMatchObject({ kind: 'waiting' });
  const state = await follow();
  if (state.kind !== 'stuck') throw new Error(state.kind);
  const terms = readTerms(state.terms);
  expect(terms.maxFeePerGas).toBeGreaterThan(before.maxFeePerGas + parseGwei('5'));
  // No block has been made since the replacement: another one would be blind.
  expect(await follow([attempt, { ...attempt, terms: state.terms }])).toMatchObject({ kind: 'waiting' });
  await emptyPool();
});

test('a payment that no node has is sent again, not replaced, while blocks are affordable', async () => {
  const port = await open('ethereum');
  const { follow } = await sendPayment(port);
  await dropAll();
  await mineAt(parseGwei('0.5'), 3);
  expect(await follow()).toEqual({ kind: 'waiting', isKnown: false });
  await emptyPool();
});

test('a replacement that its sender cannot pay for is not signed, and the operator reads why', async () => {
  const port = await open('ethereum');
  const { attempt, follow } = await sendPayment(port);
  await mineAt(readTerms(attempt.terms).maxFeePerGas + parseGwei('5'), 2);
  const held = await anvil.client.getBalance({ address: account.address });
  await anvil.client.setBalance({ address: account.address, value: 10n ** 9n });
  expect(await follow()).toMatchObject({
    kind: 'waiting',
    blockedBy: { policy: 'retry', text: expect.stringContaining('too little native coin') },
  });
  await anvil.client.setBalance({ address: account.address, value: held });
  await emptyPool();
});

test('an operator can have a payment replaced sooner, within the limits', async () => {
  const port = await open('ethereum');
  const { attempt, payment } = await sendPayment(port);
  const raised = termsOf(await port.sender.prepareReplacement(payment, [attempt]));
  const before = readTerms(attempt.terms);
  expect(raised.maxPriorityFeePerGas).toBeGreaterThan(before.maxPriorityFeePerGas);
  const limited = await open('ethereum', { gas: { maxPriorityFeeGwei: '1' } });
  const most = { ...attempt, terms: attempt.terms.replace(/^(\d+)\/(\d+)\/\d+/, '$1/$2/1000000000') };
  expect(await limited.sender.prepareReplacement(payment, [most])).toMatchObject({
    blockedBy: { text: expect.stringContaining('gas.maxPriorityFeeGwei') },
  });
  await anvil.client.setAutomine(true);
  await anvil.client.mine({ blocks: 1 });
  expect(await port.sender.prepareReplacement(payment, [attempt])).toMatchObject({
    blockedBy: { text: expect.stringContaining('in a block') },
  });
});
