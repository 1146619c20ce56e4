import { decodeAbiParameters, encodeFunctionData, type Hex, pad, parseAbi, toHex } from 'viem';

/** What we need of a token contract (ERC-20, EIP-3009). */
const abi = parseAbi([
  'function transfer(address to, uint256 value) returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
  'function decimals() view returns (uint8)',
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);

/** The first topic of `Transfer(address,address,uint256)`: its Keccak-256. */
export const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** The call data of `transfer`. */
export function transferData(to: string, value: bigint): Hex {
  return encodeFunctionData({ abi, functionName: 'transfer', args: [to as Hex, value] });
}

/** The call data of `balanceOf`. */
export function balanceOfData(owner: string): Hex {
  return encodeFunctionData({ abi, functionName: 'balanceOf', args: [owner as Hex] });
}

/** The call data of `authorizationState`. */
export function authorizationStateData(authorizer: string, nonce: Hex): Hex {
  return encodeFunctionData({ abi, functionName: 'authorizationState', args: [authorizer as Hex, nonce] });
}

/** An authorisation with its signature, as it is submitted. */
export interface SignedAuthorization {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Uint8Array;
  /** `r s v`, 65 bytes. */
  readonly signature: Uint8Array;
}

/** The call data of `receiveWithAuthorization`. */
export function receiveData(signed: SignedAuthorization): Hex {
  const { amount, from, nonce, signature, to, validAfter, validBefore } = signed;
  const [r, s, v] = [signature.subarray(0, 32), signature.subarray(32, 64), signature[64] ?? 0];
  return encodeFunctionData({
    abi,
    functionName: 'receiveWithAuthorization',
    args: [from as Hex, to as Hex, amount, validAfter, validBefore, toHex(nonce), v, toHex(r), toHex(s)],
  });
}

/** The call data of `decimals`. */
export const decimalsData: Hex = encodeFunctionData({ abi, functionName: 'decimals' });
/** The call data of `name` and `version`, which make the domain of what is signed for the contract (EIP-712). */
export const nameData: Hex = encodeFunctionData({ abi, functionName: 'name' });
export const versionData: Hex = encodeFunctionData({ abi, functionName: 'version' });

/** A text that a contract returned; undefined when it is none. */
export function textOf(data: string): string | undefined {
  try {
    return decodeAbiParameters([{ type: 'string' }], data as Hex)[0];
  } catch {
    return undefined;
  }
}

/** An address as it stands in a topic: 32 bytes. */
export function addressTopic(address: string): Hex {
  return pad(address as Hex);
}
