import { keccak_256 } from '@noble/hashes/sha3.js';
import type { BooleanCall } from '../freezes.ts';
import { hexAddress, simulateCall } from './calls.ts';

/** Calls a function of a token that returns a Boolean. */
export const callBoolean: BooleanCall = async (node, contract, signature, account) => {
  const selector = Buffer.from(keccak_256(Buffer.from(signature, 'ascii')).subarray(0, 4)).toString('hex');
  const parameter = signature.includes('(address)') ? hexAddress(account).slice(2).padStart(64, '0') : '';
  const { data, ok } = await simulateCall(node, account, contract, selector + parameter);
  const word = ok ? /^0{63}([01])$/.exec(data)?.[1] : undefined;
  return word === undefined ? undefined : word === '1';
};
