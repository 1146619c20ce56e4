import { createHash } from 'node:crypto';
import {
  type Address,
  decodeFunctionData,
  type Hex,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerializedEIP1559,
} from 'viem';
import { tokenAbi, transferTopic } from '../../../server/src/chains/evm/erc20.ts';

/** A small EVM chain: blocks, a pool of transactions, accounts, and one token that its issuer can freeze. */

export const token: Address = '0x00000000000000000000000000000000000a11ce';
const stranger: Address = '0x00000000000000000000000000000000000b0b00';
const usualBaseFeeWei = 1_000_000_000n;
const secondsPerBlock = 2;
const firstTimestamp = 1_800_000_000;

/** A signed transaction as it was offered. */
interface SignedItem {
  readonly kind: 'signed';
  readonly hash: Hex;
  readonly from: string;
  readonly nonce: number;
  readonly to: string;
  readonly value: bigint;
  readonly data: Hex;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** A stranger's transaction: tokens for an address. */
interface DepositItem {
  readonly kind: 'deposit';
  readonly hash: Hex;
  readonly to: string;
  readonly amount: bigint;
}

type Item = SignedItem | DepositItem;

/** A `Transfer` event. */
export interface TransferLog {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly index: number;
}

/** What became of a transaction. */
export interface Mined {
  readonly item: Item;
  readonly isOk: boolean;
  readonly gasPrice: bigint;
  readonly logs: readonly TransferLog[];
}

/** The accounts after a block. Addresses are in lower case. */
export interface Accounts {
  readonly tokens: Map<string, bigint>;
  readonly coins: Map<string, bigint>;
  readonly nonces: Map<string, number>;
  readonly usedAuthorizations: Set<string>;
}

export interface EvmBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly timestamp: number;
  readonly baseFeeWei: bigint;
  readonly mined: readonly Mined[];
  readonly accounts: Accounts;
}

export interface EvmChain {
  readonly blocks: readonly EvmBlock[];
  /** What waits for a block. */
  readonly pool: readonly Item[];
  readonly frozen: ReadonlySet<string>;
  mine(): void;
  reorganise(depth: number, vanishes: (txHash: string) => boolean): void;
  /** @throws Error in the words of a node if it takes no such transaction */
  send(raw: Hex): Promise<Hex>;
  deposit(to: string, amount: bigint): Hex;
  fund(address: string): void;
  setFees(factor: number): void;
  freeze(address: string): void;
  /** Whether a call of the token would succeed after a block. */
  canCall(accounts: Accounts, from: string, data: Hex): boolean;
}

/** Creates a chain with its first block. */
export function createEvmChain(): EvmChain {
  const frozen = new Set<string>();
  const genesis: EvmBlock = {
    number: 0,
    hash: hashOf(['genesis']),
    parentHash: `0x${'00'.repeat(32)}`,
    timestamp: firstTimestamp,
    baseFeeWei: usualBaseFeeWei,
    mined: [],
    accounts: { tokens: new Map(), coins: new Map(), nonces: new Map(), usedAuthorizations: new Set() },
  };
  const blocks = [genesis];
  let pool: Item[] = [];
  let baseFeeWei = usualBaseFeeWei;
  let branch = 0;
  let deposits = 0;
  const last = (): EvmBlock => blocks.at(-1) as EvmBlock;

  const makeBlock = (items: readonly Item[]): void => {
    const parent = last();
    const accounts = copy(parent.accounts);
    const mined: Mined[] = [];
    let index = 0;
    for (const item of items) {
      const done =
        item.kind === 'deposit' ? pay(accounts, item) : execute(accounts, item, baseFeeWei, frozen);
      if (!done) continue;
      const logs = done.logs.map((log) => ({ ...log, index: index++ }));
      mined.push({ ...done, logs });
    }
    const gone = new Set(mined.map(({ item }) => item.hash));
    pool = pool.filter((item) => !gone.has(item.hash) && !isPast(accounts, item));
    blocks.push({
      number: parent.number + 1,
      hash: hashOf([parent.hash, String(branch), ...mined.map(({ item }) => item.hash)]),
      parentHash: parent.hash,
      timestamp: parent.timestamp + secondsPerBlock,
      baseFeeWei,
      mined,
      accounts,
    });
  };

  return {
    blocks,
    get pool() {
      return pool;
    },
    frozen,
    mine: () => makeBlock(inOrder(pool)),
    reorganise(depth, vanishes) {
      const gone = blocks.splice(Math.max(1, blocks.length - depth));
      branch += 1;
      const back = gone.flatMap(({ mined }) => mined.map(({ item }) => item));
      const kept = back.filter(({ hash }) => !vanishes(hash));
      pool = [...kept, ...pool];
      for (let made = 0; made < gone.length; made += 1) makeBlock([]);
      makeBlock(inOrder(pool));
    },
    async send(raw) {
      const item = await read(raw);
      const { accounts } = last();
      const known = pool.find((other) => other.hash === item.hash);
      if (known) throw new Error('already known');
      if (item.nonce < (accounts.nonces.get(item.from) ?? 0)) throw new Error('nonce too low');
      const cost = item.gas * item.maxFeePerGas + item.value;
      if ((accounts.coins.get(item.from) ?? 0n) < cost)
        throw new Error('insufficient funds for gas * price + value');
      const rival = pool.find((other) => other.kind === 'signed' && isRival(other, item));
      if (rival?.kind === 'signed') {
        if (item.maxFeePerGas * 10n < rival.maxFeePerGas * 11n)
          throw new Error('replacement transaction underpriced');
        pool = pool.filter((other) => other !== rival);
      }
      pool.push(item);
      return item.hash;
    },
    deposit(to, amount) {
      deposits += 1;
      const hash = hashOf(['deposit', String(deposits), to]);
      pool.push({ kind: 'deposit', hash, to: to.toLowerCase(), amount });
      return hash;
    },
    fund(address) {
      for (const { accounts } of blocks) accounts.coins.set(address.toLowerCase(), 10n ** 21n);
    },
    setFees(factor) {
      baseFeeWei = usualBaseFeeWei * BigInt(factor);
    },
    freeze: (address) => void frozen.add(address.toLowerCase()),
    canCall: (accounts, from, data) => move(copy(accounts), from.toLowerCase(), data, frozen) !== undefined,
  };
}

function hashOf(parts: readonly string[]): Hex {
  return `0x${createHash('sha256').update(parts.join('/')).digest('hex')}`;
}

function copy({ coins, nonces, tokens, usedAuthorizations }: Accounts): Accounts {
  return {
    tokens: new Map(tokens),
    coins: new Map(coins),
    nonces: new Map(nonces),
    usedAuthorizations: new Set(usedAuthorizations),
  };
}

function isRival(one: SignedItem, other: SignedItem): boolean {
  return one.from === other.from && one.nonce === other.nonce;
}

/** Whether another transaction has used the nonce. */
function isPast({ nonces }: Accounts, item: Item): boolean {
  return item.kind === 'signed' && item.nonce < (nonces.get(item.from) ?? 0);
}

/** Deposits as they came, then what was signed by nonce. */
function inOrder(pool: readonly Item[]): Item[] {
  const signed = pool.filter((item) => item.kind === 'signed');
  return [
    ...pool.filter(({ kind }) => kind === 'deposit'),
    ...signed.sort((a, b) => a.from.localeCompare(b.from) || a.nonce - b.nonce),
  ];
}

async function read(raw: Hex): Promise<SignedItem> {
  const serialized = raw as TransactionSerializedEIP1559;
  const {
    data = '0x',
    gas = 0n,
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
    nonce = 0,
    to,
    value = 0n,
  } = parseTransaction(serialized);
  const from = (await recoverTransactionAddress({ serializedTransaction: serialized })).toLowerCase();
  const price = { gas, maxFeePerGas, maxPriorityFeePerGas };
  return {
    kind: 'signed',
    hash: keccak256(raw),
    from,
    nonce,
    to: (to ?? '').toLowerCase(),
    value,
    data,
    ...price,
  };
}

function change(balances: Map<string, bigint>, address: string, by: bigint): void {
  balances.set(address, (balances.get(address) ?? 0n) + by);
}

function pay({ tokens }: Accounts, item: DepositItem): Mined {
  change(tokens, item.to, item.amount);
  const log = { from: stranger, to: item.to, amount: item.amount, index: 0 };
  return { item, isOk: true, gasPrice: 0n, logs: [log] };
}

/** @returns undefined if the transaction cannot be in the block */
function execute(
  accounts: Accounts,
  item: SignedItem,
  baseFeeWei: bigint,
  frozen: ReadonlySet<string>,
): Mined | undefined {
  const { coins, nonces } = accounts;
  const { from, gas, maxFeePerGas, maxPriorityFeePerGas, nonce, to, value } = item;
  if ((nonces.get(from) ?? 0) !== nonce || maxFeePerGas < baseFeeWei) return undefined;
  let gasPrice = baseFeeWei + maxPriorityFeePerGas;
  if (gasPrice > maxFeePerGas) gasPrice = maxFeePerGas;
  if ((coins.get(from) ?? 0n) < gas * gasPrice + value) return undefined;
  nonces.set(from, nonce + 1);
  change(coins, from, -(gasUsed(item) * gasPrice));
  if (to !== token) {
    change(coins, from, -value);
    change(coins, to, value);
    return { item, isOk: true, gasPrice, logs: [] };
  }
  const moved = move(accounts, from, item.data, frozen);
  return { item, isOk: moved !== undefined, gasPrice, logs: moved ? [{ ...moved, index: 0 }] : [] };
}

/** The gas that a transaction uses. */
export function gasUsed({ to }: Pick<SignedItem, 'to'>): bigint {
  return to === token ? 65_000n : 21_000n;
}

/** Executes a call of the token. @returns undefined if it reverts */
function move(
  { tokens, usedAuthorizations }: Accounts,
  caller: string,
  data: Hex,
  frozen: ReadonlySet<string>,
): Omit<TransferLog, 'index'> | undefined {
  const call = readCall(caller, data);
  if (!call) return undefined;
  const { amount, authorization, from, to } = call;
  if (frozen.has(from) || frozen.has(to) || (tokens.get(from) ?? 0n) < amount) return undefined;
  if (authorization !== undefined) {
    if (usedAuthorizations.has(authorization)) return undefined;
    usedAuthorizations.add(authorization);
  }
  change(tokens, from, -amount);
  change(tokens, to, amount);
  return { from, to, amount };
}

function readCall(caller: string, data: Hex) {
  try {
    const { args, functionName } = decodeFunctionData({ abi: tokenAbi, data });
    if (functionName === 'transfer') {
      const [to, amount] = args;
      return { from: caller, to: to.toLowerCase(), amount, authorization: undefined };
    }
    if (functionName !== 'receiveWithAuthorization') return undefined;
    const [owner, to, amount, , , nonce] = args;
    const from = owner.toLowerCase();
    if (to.toLowerCase() !== caller) return undefined;
    return { from, to: caller, amount, authorization: `${from}/${nonce}` };
  } catch {
    return undefined;
  }
}

/** The topics of a log. */
export function topicsOf({ from, to }: TransferLog): string[] {
  return [transferTopic, ...[from, to].map((address) => `0x${address.slice(2).padStart(64, '0')}`)];
}
