import { limits } from '../../platform/limits.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import type { EvmNodes } from './blocks.ts';
import type { BlockPrice, FeeMarket } from './fees.ts';
import { type FeeHistory, feeHistory, type Header, quantity } from './responses.ts';

/** What one node reports; undefined for what it does not know. */
export interface Report {
  readonly history: FeeHistory | undefined;
  readonly suggestedTipWei: bigint | undefined;
}

/** The percentiles of the tips in a block that are asked for: the least that is paid, and the usual one. */
const percentiles = [10, 50];

/** Creates a reader of the current fees, which are read once for each block. */
export function createMarket(nodes: EvmNodes): (head: Header) => Promise<FeeMarket> {
  let known: { readonly id: string; readonly market: FeeMarket } | undefined;
  return async (head) => {
    if (known?.id === head.id) return known.market;
    const asked = nodes.healthy().slice(0, limits.feeNodes);
    const market = marketOf(await Promise.all(asked.map(ask)), head.baseFeeWei);
    known = { id: head.id, market };
    return market;
  };
}

async function ask(node: Node): Promise<Report> {
  const count = `0x${limits.feeBlocks.toString(16)}`;
  const [history, suggestedTipWei] = await Promise.all([
    unlessRefused(node.call('eth_feeHistory', [count, 'latest', percentiles], feeHistory)),
    unlessRefused(node.call('eth_maxPriorityFeePerGas', [], quantity)),
  ]);
  return { history, suggestedTipWei };
}

/** A node that lacks a method, or fails, leaves the decision to the others and to the limits. */
async function unlessRefused<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ChainError) return undefined;
    throw error;
  }
}

/**
 * Computes the fees from what several nodes report. Each figure is the median of the nodes, the lower one of two: a node that
 * exaggerates changes nothing while another one is honest.
 *
 * @param headBaseFeeWei the base fee of the newest block, which is the least that the next one is taken to have
 */
export function marketOf(reports: readonly Report[], headBaseFeeWei: bigint): FeeMarket {
  const histories = reports.flatMap(({ history }) => (history ? [history] : []));
  const tips = reports.flatMap(tipOf);
  const next = median(histories.map(({ nextBaseFeeWei }) => nextBaseFeeWei));
  return {
    baseFeeWei: next !== undefined && next > headBaseFeeWei ? next : headBaseFeeWei,
    tipWei: median(tips) ?? 0n,
    blocks: blocksOf(histories),
  };
}

/** The lower one of what the node suggests and what was usually paid, as far as either is known. */
function tipOf({ history, suggestedTipWei }: Report): bigint[] {
  const usual = median(
    (history?.blocks ?? []).map(({ usualTipWei }) => usualTipWei).filter((tip) => tip > 0n),
  );
  const known = [usual, suggestedTipWei].filter((tip) => tip !== undefined && tip > 0n) as bigint[];
  const lower = known.reduce<bigint | undefined>(
    (least, tip) => (least === undefined || tip < least ? tip : least),
    undefined,
  );
  return lower === undefined ? [] : [lower];
}

function blocksOf(histories: readonly FeeHistory[]): BlockPrice[] {
  const byHeight = new Map<number, BlockPrice[]>();
  for (const block of histories.flatMap(({ blocks }) => blocks)) {
    byHeight.set(block.height, [...(byHeight.get(block.height) ?? []), block]);
  }
  return [...byHeight]
    .sort(([a], [b]) => a - b)
    .map(([height, reported]) => ({
      height,
      baseFeeWei: median(reported.map(({ baseFeeWei }) => baseFeeWei)) ?? 0n,
      leastTipWei: median(reported.map(({ leastTipWei }) => leastTipWei)) ?? 0n,
    }));
}

/** The lower median; undefined of nothing. */
function median(values: readonly bigint[]): bigint | undefined {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[Math.floor((values.length - 1) / 2)];
}
