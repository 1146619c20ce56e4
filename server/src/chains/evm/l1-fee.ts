import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { EvmNodes } from './blocks.ts';
import { word } from './responses.ts';

/** The predeploy that knows what a transaction is charged beside its gas (OP Stack, since the upgrades Fjord and Isthmus). */
const oracle = '0x420000000000000000000000000000000000000F';
const oracleAbi = parseAbi([
  'function getL1FeeUpperBound(uint256 unsignedTxSize) view returns (uint256)',
  'function getOperatorFee(uint256 gasUsed) view returns (uint256)',
]);

/**
 * The most that an OP Stack chain charges for a transaction beside its gas, in wei: for its data on Ethereum and for the chain's
 * operator. A quarter is added, because the prices of Ethereum change until it is mined. 0 on other chains.
 *
 * @param bytes the length of the unsigned transaction
 * @param gas its gas limit
 */
export async function readL1Fee(
  { gas: { hasL1Fee } }: EvmConfig,
  nodes: EvmNodes,
  bytes: number,
  gas: bigint,
): Promise<bigint> {
  if (!hasL1Fee) return 0n;
  const data = encodeFunctionData({
    abi: oracleAbi,
    functionName: 'getL1FeeUpperBound',
    args: [BigInt(bytes)],
  });
  const operator = encodeFunctionData({ abi: oracleAbi, functionName: 'getOperatorFee', args: [gas] });
  const [dataFee, operatorFee] = await Promise.all([ask(nodes, data), ask(nodes, operator)]);
  const fee = dataFee + operatorFee;
  return fee + fee / 4n;
}

/** @returns 0 if the chain does not have the function, and so charges nothing by it */
async function ask(nodes: EvmNodes, data: Hex): Promise<bigint> {
  try {
    return await nodes.call('eth_call', [{ to: oracle, data }, 'latest'], (result) =>
      result === '0x' ? 0n : word(result),
    );
  } catch (error) {
    const isRejected = error instanceof ChainError && error.kind === 'rejected';
    if (isRejected && /revert/i.test(error.message)) return 0n;
    throw error;
  }
}
