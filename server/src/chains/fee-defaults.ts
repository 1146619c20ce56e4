import type { Chain } from './registry.ts';

/** Default fees of an EVM chain, in gwei per unit of gas. */
export interface EvmFeeDefaults {
  /** The least tip that nodes and block producers of the chain accept. */
  readonly tipFloorGwei: string;
  /** The most that a transaction offers as its tip. */
  readonly tipCapGwei: string;
  /** The least base fee that the chain can have. */
  readonly baseFloorGwei: string;
  /** The most that a transaction offers in total: base fee and tip. */
  readonly maxFeeGwei: string;
  /** Whether the chain charges for its data on Ethereum beside the gas (OP Stack). */
  readonly hasL1Fee: boolean;
}

/** Default limits of what a chain's fees may cost. Amounts are decimal strings in native coin. */
export interface FeeDefaults {
  /** For one transaction. */
  readonly maxFee: string;
  /** For all transactions of a day, in UTC, with the coin that is sent to deposit addresses. */
  readonly nativePerDay: string;
  /** US dollars that one native coin is taken to cost at most while `gas.nativeUsd` is not configured. */
  readonly assumedNativeUsd: string;
  readonly evm?: EvmFeeDefaults;
}

/**
 * Default fees, by chain. Sources of the floors: Polygon's validators demand a tip of 25 gwei (bor, PIP-35). The base fee is at
 * least 0.005 gwei on Base (configuration changelog, February 2026), 0.02 gwei on Arbitrum, where tips change nothing (ArbOS 51),
 * and 1 wei elsewhere (Avalanche since ACP-176). op-geth suggests a tip of 0.001 gwei at least.
 */
export const feeDefaults: Readonly<Partial<Record<Chain, FeeDefaults>>> = {
  ethereum: {
    maxFee: '0.05',
    nativePerDay: '5',
    assumedNativeUsd: '10000',
    evm: evmFees('0.001', '5', '0.000000001', '300', false),
  },
  arbitrum: {
    maxFee: '0.005',
    nativePerDay: '0.5',
    assumedNativeUsd: '10000',
    evm: evmFees('0', '0.1', '0.02', '20', false),
  },
  base: {
    maxFee: '0.005',
    nativePerDay: '0.5',
    assumedNativeUsd: '10000',
    evm: evmFees('0.001', '2', '0.005', '20', true),
  },
  optimism: {
    maxFee: '0.005',
    nativePerDay: '0.5',
    assumedNativeUsd: '10000',
    evm: evmFees('0.001', '2', '0.000000001', '20', true),
  },
  polygon: {
    maxFee: '2',
    nativePerDay: '200',
    assumedNativeUsd: '3',
    evm: evmFees('25', '500', '0.000000001', '5000', false),
  },
  avalanche: {
    maxFee: '0.1',
    nativePerDay: '10',
    assumedNativeUsd: '150',
    evm: evmFees('0.000000001', '50', '0.000000001', '500', false),
  },
  solana: { maxFee: '0.01', nativePerDay: '10', assumedNativeUsd: '500' },
  tron: { maxFee: '100', nativePerDay: '10000', assumedNativeUsd: '1' },
};

function evmFees(
  tipFloorGwei: string,
  tipCapGwei: string,
  baseFloorGwei: string,
  maxFeeGwei: string,
  hasL1Fee: boolean,
): EvmFeeDefaults {
  return { tipFloorGwei, tipCapGwei, baseFloorGwei, maxFeeGwei, hasL1Fee };
}
