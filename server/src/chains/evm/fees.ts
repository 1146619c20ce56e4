import type { GasPolicy } from '../config.ts';

/** What is offered for gas (EIP-1559). Fees are in wei for a unit of gas. */
export interface GasTerms {
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/**
 * The fees of a new transaction: twice the base fee, which it takes six full blocks to reach, and the tip; never above
 * the policy's limit.
 *
 * @returns undefined when the limit does not even cover the base fee of now
 */
export function firstFees(baseFeeWei: bigint, gas: bigint, policy: GasPolicy): GasTerms | undefined {
  const tip = policy.priorityFeeWei;
  if (baseFeeWei + tip > policy.maxFeeWei) return undefined;
  return { gas, maxFeePerGas: smaller(2n * baseFeeWei + tip, policy.maxFeeWei), maxPriorityFeePerGas: tip };
}

/**
 * The fees of a replacement. Nodes take one for a transaction they hold only if both fees are a tenth higher
 * (go-ethereum, `txpool.pricebump`); it is an eighth here, and at least what a new transaction would offer.
 *
 * @returns undefined when that would be above the policy's limit
 */
export function higherFees(before: GasTerms, baseFeeWei: bigint, policy: GasPolicy): GasTerms | undefined {
  const fresh = firstFees(baseFeeWei, before.gas, policy);
  const maxFeePerGas = larger(raised(before.maxFeePerGas), fresh?.maxFeePerGas ?? 0n);
  const maxPriorityFeePerGas = larger(raised(before.maxPriorityFeePerGas), policy.priorityFeeWei);
  if (maxFeePerGas > policy.maxFeeWei) return undefined;
  return { gas: before.gas, maxFeePerGas: larger(maxFeePerGas, maxPriorityFeePerGas), maxPriorityFeePerGas };
}

function raised(fee: bigint): bigint {
  return fee + fee / 8n + 1n;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The terms as they are kept with an attempt. */
export function writeTerms(terms: GasTerms): string {
  return [terms.gas, terms.maxFeePerGas, terms.maxPriorityFeePerGas].join('/');
}

/** What `writeTerms` wrote. */
export function readTerms(text: string): GasTerms {
  const [gas = '', maxFeePerGas = '', maxPriorityFeePerGas = ''] = text.split('/');
  return {
    gas: BigInt(gas),
    maxFeePerGas: BigInt(maxFeePerGas),
    maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
  };
}
