import type { GasPolicy } from '../config.ts';

/** Gas limit and fees of a transaction (EIP-1559). Fees are in wei per unit of gas. */
export interface GasTerms {
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/**
 * The fees of a new transaction: twice the current base fee, which the network needs six full blocks to reach, plus the tip;
 * capped at the policy's limit.
 *
 * @returns undefined if the limit does not cover the current base fee
 */
export function firstFees(baseFeeWei: bigint, gas: bigint, policy: GasPolicy): GasTerms | undefined {
  const tip = policy.priorityFeeWei;
  if (baseFeeWei + tip > policy.maxFeeWei) return undefined;
  return { gas, maxFeePerGas: smaller(2n * baseFeeWei + tip, policy.maxFeeWei), maxPriorityFeePerGas: tip };
}

/**
 * The fees of a replacement transaction. Nodes accept a replacement only if both fees are at least 10 % higher (go-ethereum,
 * `txpool.pricebump`); these are 12.5 % higher, and at least those of a new transaction.
 *
 * @returns undefined if that exceeds the policy's limit
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

/** Encodes terms for storage with an attempt. */
export function writeTerms(terms: GasTerms): string {
  return [terms.gas, terms.maxFeePerGas, terms.maxPriorityFeePerGas].join('/');
}

/** Decodes the output of `writeTerms`. */
export function readTerms(text: string): GasTerms {
  const [gas = '', maxFeePerGas = '', maxPriorityFeePerGas = ''] = text.split('/');
  return {
    gas: BigInt(gas),
    maxFeePerGas: BigInt(maxFeePerGas),
    maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
  };
}
