import type { Node } from '../node.ts';
import type { Stablecoin } from '../registry.ts';
import { wrongDecimals } from '../tokens.ts';
import { type ConstantCall, constantCall, word } from './responses.ts';
import { tronAddressBytes } from './transaction.ts';

/** Function selectors of `decimals()` and `balanceOf(address)`. */
const selectors = { decimals: '313ce567', balanceOf: '70a08231' } as const;

/** Converts an address to the form of Tron's HTTP API: 21 bytes in hexadecimal. */
export function hexAddress(address: string): string {
  return Buffer.from(tronAddressBytes(address)).toString('hex');
}

/**
 * Simulates a call after the newest block. A call that fails is a result.
 *
 * @param data selector and parameters, in hexadecimal
 * @throws ChainError `rejected` if the node does not simulate the call
 */
export function simulateCall(
  node: Pick<Node, 'call'>,
  from: string,
  contract: string,
  data: string,
): Promise<ConstantCall> {
  const params = { owner_address: hexAddress(from), contract_address: hexAddress(contract), data };
  return node.call('triggerconstantcontract', params, constantCall);
}

/** The token balance of an address after the newest block. */
export async function balanceOf(node: Pick<Node, 'call'>, contract: string, owner: string): Promise<bigint> {
  const parameter = hexAddress(owner).slice(2).padStart(64, '0');
  return word(await simulateCall(node, owner, contract, selectors.balanceOf + parameter));
}

/**
 * Verifies that a token contract has 6 decimals.
 *
 * @throws ChainError if it does not
 */
export async function requireDecimals(
  node: Pick<Node, 'call'>,
  contract: string,
  currency: Stablecoin,
): Promise<void> {
  const decimals = word(await simulateCall(node, contract, contract, selectors.decimals));
  if (decimals !== 6n) throw wrongDecimals(currency, decimals);
}
