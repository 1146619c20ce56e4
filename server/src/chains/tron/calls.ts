import type { Node } from '../node.ts';
import { ChainError } from '../port.ts';
import { type ConstantCall, constantCall, word } from './responses.ts';
import { tronAddressBytes } from './transaction.ts';

/** First four bytes of Keccak-256 over `decimals()` and `balanceOf(address)`. */
const selectors = { decimals: '313ce567', balanceOf: '70a08231' } as const;

/** An address as nodes take it: 21 bytes in hexadecimal. */
export function hexAddress(address: string): string {
  return Buffer.from(tronAddressBytes(address)).toString('hex');
}

/**
 * Tries a call without a transaction, after the newest block.
 *
 * @param data selector and parameters, in hexadecimal
 * @throws RpcError when the node does not try it; that the call fails is an answer
 */
export function tryCall(
  node: Pick<Node, 'call'>,
  from: string,
  contract: string,
  data: string,
): Promise<ConstantCall> {
  const params = { owner_address: hexAddress(from), contract_address: hexAddress(contract), data };
  return node.call('triggerconstantcontract', params, constantCall);
}

/** What an address holds of a token after the newest block. */
export async function balanceOf(node: Pick<Node, 'call'>, contract: string, owner: string): Promise<bigint> {
  const parameter = hexAddress(owner).slice(2).padStart(64, '0');
  return word(await tryCall(node, owner, contract, selectors.balanceOf + parameter));
}

/**
 * Makes sure that a contract is a token of six decimals: another one would be credited a million times too much or too
 * little.
 *
 * @throws ChainError when it has others
 */
export async function expectDecimals(
  node: Pick<Node, 'call'>,
  contract: string,
  currency: string,
): Promise<void> {
  const decimals = word(await tryCall(node, contract, contract, selectors.decimals));
  if (decimals === 6n) return;
  throw new ChainError(`The contract configured for ${currency} has ${decimals} decimals, not 6.`);
}
