import { decodeAbiParameters, encodeFunctionData, type Hex, pad, parseAbi, toHex } from 'viem';

/** The functions of a token contract that are called (ERC-20, EIP-3009). */
export const tokenAbi = parseAbi([
  'function transfer(address to, uint256 value) returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
  'function decimals() view returns (uint8)',
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);

/** Topic 0 of `Transfer(address,address,uint256)`: its Keccak-256 hash. */
export const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** The call data of `balanceOf`. */
export function balanceOfData(owner: string): Hex {
  return encodeFunctionData({ abi: tokenAbi, functionName: 'balanceOf', args: [owner as Hex] });
}

/** The call data of `authorizationState`. */
export function authorizationStateData(authorizer: string, nonce: Hex): Hex {
  return encodeFunctionData({
    abi: tokenAbi,
    functionName: 'authorizationState',
    args: [authorizer as Hex, nonce],
  });
}

/** An authorization with its signature. */
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
    abi: tokenAbi,
    functionName: 'receiveWithAuthorization',
    args: [from as Hex, to as Hex, amount, validAfter, validBefore, toHex(nonce), v, toHex(r), toHex(s)],
  });
}

/** The call data of `decimals`. */
export const decimalsData: Hex = encodeFunctionData({ abi: tokenAbi, functionName: 'decimals' });
/** The call data of `name` and `version`, which make up the contract's EIP-712 domain. */
export const nameData: Hex = encodeFunctionData({ abi: tokenAbi, functionName: 'name' });
export const versionData: Hex = encodeFunctionData({ abi: tokenAbi, functionName: 'version' });

/** Decodes a returned string; undefined if the data does not encode one. */
export function textOf(data: string): string | undefined {
  try {
    return decodeAbiParameters([{ type: 'string' }], data as Hex)[0];
  } catch {
    return undefined;
  }
}

/** An address as a log topic: padded to 32 bytes. */
export function addressTopic(address: string): Hex {
  return pad(address as Hex);
}
