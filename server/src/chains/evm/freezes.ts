import { type Hex, pad, toFunctionSelector } from 'viem';
import { ChainError } from '../errors.ts';
import type { BooleanCall } from '../freezes.ts';
import { bytes } from './responses.ts';

/** Calls a function of a token that returns a Boolean. */
export const callBoolean: BooleanCall = async (node, to, signature, account) => {
  const parameter = signature.includes('(address)') ? pad(account as Hex).slice(2) : '';
  const data = toFunctionSelector(signature) + parameter;
  try {
    const returned = await node.call('eth_call', [{ to, data }, 'latest'], (value) => bytes(value));
    const word = /^0x0{63}([01])$/.exec(returned)?.[1];
    return word === undefined ? undefined : word === '1';
  } catch (error) {
    if (error instanceof ChainError && error.kind === 'rejected' && /revert/i.test(error.message))
      return undefined;
    throw error;
  }
};
