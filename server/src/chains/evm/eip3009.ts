import { keccak_256 } from '@noble/hashes/sha3.js';

/** An EIP-3009 authorization. Addresses are in EIP-55 form. */
export interface Authorization {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  readonly contract: string;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

const domainType = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
const messageType =
  'ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';

/**
 * The digest that the owner of the tokens signs (EIP-712: `keccak256(0x1901 ‖ domainSeparator ‖ hashStruct(message))`). Its type
 * is `ReceiveWithAuthorization`, which only the receiver can submit.
 */
export function authorizationDigest(authorization: Authorization): Uint8Array {
  const { amount, chainId, contract, from, name, nonce, to, validAfter, validBefore, version } =
    authorization;
  const domain = keccak_256(
    Buffer.concat([text(domainType), text(name), text(version), word(chainId), word(BigInt(contract))]),
  );
  const message = keccak_256(
    Buffer.concat([
      text(messageType),
      word(BigInt(from)),
      word(BigInt(to)),
      word(amount),
      word(validAfter),
      word(validBefore),
      nonce,
    ]),
  );
  return keccak_256(Buffer.concat([Uint8Array.of(0x19, 0x01), domain, message]));
}

function text(content: string): Uint8Array {
  return keccak_256(Buffer.from(content, 'utf8'));
}

function word(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
