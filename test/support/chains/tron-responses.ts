import { readFileSync } from 'node:fs';
import { type ChainBlock, prices, type Result, type TronLedger } from './tron-ledger.ts';
import { addressOf, hexOf, readWire, type WireTransaction } from './tron-wire.ts';

/** What a full node answers, in the form of answers that were recorded from real ones (test/support/fixtures/tron). */

type Json = Record<string, unknown>;

/** By name; each has its source beside it. */
export const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/tron/recorded.json', import.meta.url), 'utf8'),
) as Record<string, { answer: Json }>;
const like = (name: string, changes: Json): Json => ({
  ...structuredClone(recorded[name]?.answer),
  ...changes,
});

const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const noTransactions = '0'.repeat(64);
const dayMs = 86_400_000;

export function blockAnswer(block: ChainBlock | undefined, isWhole: boolean): Json {
  if (!block) return {};
  const { id, number, parentId, results, timestampMs } = block;
  // What has its default is left out, as nodes do.
  const rawData = {
    ...(number > 0 ? { number, timestamp: timestampMs } : {}),
    txTrieRoot: results.length > 0 || number === 0 ? id : noTransactions,
    parentHash: parentId || id,
    version: 34,
  };
  const real = like('header', {}).block_header as Json;
  const header = { blockID: id, block_header: { ...real, raw_data: rawData } };
  if (!isWhole || (results.length === 0 && number > 0)) return header;
  const transactions =
    number === 0
      ? [{ txID: id }]
      : results.map(({ item, result }) => ({ ret: [{ contractRet: result ?? 'SUCCESS' }], txID: item.id }));
  return { ...header, transactions };
}

export function infoAnswer({ number, timestampMs }: ChainBlock, found: Result): Json {
  const { bandwidth, energy, feeSun, item, result, transfers } = found;
  const log = transfers.map(({ amount, from, to, token }) => ({
    address: hexOf(token).slice(2),
    topics: [transferTopic, ...[from, to].map((address) => hexOf(address).slice(2).padStart(64, '0'))],
    data: amount.toString(16).padStart(64, '0'),
  }));
  return {
    id: item.id,
    ...(feeSun > 0 ? { fee: feeSun } : {}),
    blockNumber: number,
    blockTimeStamp: timestampMs,
    contractResult: [''],
    receipt: {
      ...(energy > 0 ? { energy_usage_total: energy } : {}),
      ...(feeSun > 0 ? { net_fee: feeSun } : { net_usage: bandwidth }),
      ...(result === undefined ? {} : { result }),
    },
    ...(log.length > 0 ? { log } : {}),
    ...(result === undefined || result === 'SUCCESS' ? {} : { result: 'FAILED' }),
  };
}

/** `decimals()`, `balanceOf(address)` or `transfer(address,uint256)` of a token. */
export function callAnswer(ledger: TronLedger, tokens: ReadonlySet<string>, body: Json): Json {
  const owner = addressOf(String(body.owner_address));
  const contract = addressOf(String(body.contract_address));
  const data = String(body.data);
  if (!tokens.has(contract)) return like('noContract', {});
  const word = (value: bigint): string[] => [value.toString(16).padStart(64, '0')];
  const account = (at: number): string => addressOf(`41${data.slice(at + 24, at + 64)}`);
  if (data.startsWith('313ce567')) return like('balanceCall', { constant_result: word(6n) });
  if (data.startsWith('70a08231')) {
    return like('balanceCall', { constant_result: word(ledger.tokenOf(contract, account(8))) });
  }
  // `paused()` and `getBlackListStatus(address)`, as USDT has them.
  if (data.startsWith('5c975abb'))
    return like('balanceCall', { constant_result: word(ledger.isPaused ? 1n : 0n) });
  if (data.startsWith('59bf1abe')) {
    return like('balanceCall', { constant_result: word(ledger.frozen.has(account(8)) ? 1n : 0n) });
  }
  if (!data.startsWith('a9059cbb')) return like('revertedCall', {});
  const amount = BigInt(`0x${data.slice(72)}`);
  const isFrozen = ledger.isPaused || ledger.frozen.has(owner) || ledger.frozen.has(account(8));
  if (isFrozen || ledger.tokenOf(contract, owner) < amount) return like('revertedCall', {});
  return like('transferCall', { energy_used: ledger.energyFor(contract, account(8)) });
}

export function accountAnswer(ledger: TronLedger, address: string): Json {
  const sun = ledger.sunOf(address);
  if (sun === undefined) return {};
  return like('account', { address: hexOf(address), balance: sun });
}

export function resourcesAnswer(ledger: TronLedger, address: string): Json {
  if (ledger.sunOf(address) === undefined) return {};
  return like('resources', { freeNetUsed: ledger.freeBandwidthOf(address) });
}

/** @param solidLag how many blocks the solidified one is behind the newest */
export function nodeInfoAnswer({ blocks, head }: TronLedger, solidLag: number): Json {
  const name = ({ id, number }: ChainBlock): string => `Num:${number},ID:${id}`;
  const solid = blocks[Math.max(0, head().number - solidLag)] as ChainBlock;
  return like('nodeInfo', { block: name(head()), solidityBlock: name(solid) });
}

/** @param energySun another price of energy than the recorded one */
export function pricesAnswer(energySun?: number): Json {
  const answer = like('parameters', {});
  const parameters = answer.chainParameter as { key: string; value?: number }[];
  const energy = parameters.find(({ key }) => key === 'getEnergyFee');
  if (energy && energySun !== undefined) energy.value = energySun;
  return answer;
}

/** Why a node does not take a transaction; undefined when it does. */
export function refusalOf(ledger: TronLedger, wire: WireTransaction): Json | undefined {
  const refuse = (code: string, message: string) => ({ result: false, code, txid: wire.id, message });
  const head = ledger.head();
  if (wire.signer !== wire.from) return refuse('SIGERROR', 'Validate signature error: sig error');
  const reference = [...ledger.blocks].reverse().find(({ id }) => id.slice(12, 16) === wire.refBlockBytes);
  if (reference?.id.slice(16, 32) !== wire.refBlockHash) return like('taposError', { txid: wire.id });
  if (wire.expirationMs <= head.timestampMs || wire.expirationMs > head.timestampMs + dayMs) {
    return like('expired', { txid: wire.id });
  }
  if (ledger.find(wire.id) || ledger.pending.some(({ id }) => id === wire.id)) {
    return like('duplicate', { txid: wire.id });
  }
  const sun = ledger.sunOf(wire.from);
  if (sun === undefined) {
    const message = `Contract validate error : account [${wire.from}] does not exist`;
    return refuse('CONTRACT_VALIDATE_ERROR', message);
  }
  if (wire.contract === undefined && sun < Number(wire.amount)) {
    return refuse('CONTRACT_VALIDATE_ERROR', 'Contract validate error : Validate TransferContract error');
  }
  const bytes = wire.bytes + 64;
  if (ledger.freeBandwidthOf(wire.from) + bytes > 600 && sun < bytes * prices.bandwidthSun) {
    return refuse('BANDWITH_ERROR', 'Account resource insufficient error.');
  }
  return undefined;
}

/** @throws Error when it is no transaction */
export function offered(body: Json): WireTransaction {
  return readWire(String(body.transaction));
}

export const takenAnswer = (id: string): Json => like('taken', { txid: id });
