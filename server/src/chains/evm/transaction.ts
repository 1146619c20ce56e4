import { keccak_256 } from '@noble/hashes/sha3.js';
import { toChecksumAddress } from '../addresses.ts';
import { type Movement, requireSame, type SignedTransaction, type TransactionFacts } from '../signing.ts';
import { decodeRlp, encodeRlp, type RlpItem, rlpNumber } from './rlp.ts';

const transactionType = 0x02;
const wordBytes = 32;

/** Function selectors: the first four bytes of the signature's Keccak-256 hash. */
const selectors = {
  /** `transfer(address,uint256)` (ERC-20). */
  transfer: 'a9059cbb',
  /** `receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)` (EIP-3009). */
  receiveWithAuthorization: 'ef55bec6',
} as const;

/**
 * Checks that an unsigned EIP-1559 transaction does what is expected and nothing else: chain, token contract, call and arguments;
 * no native coin beside a token, no access list.
 *
 * @param unsigned `0x02 ‖ rlp([chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data, accessList])`
 * @param expected addresses in EIP-55 form. The bytes do not contain the sender; the signing key determines it.
 * @throws SignerRefusal `meaning_differs`
 */
export function checkEvmTransaction(
  unsigned: Uint8Array,
  expected: Movement,
  chainId: bigint,
): TransactionFacts {
  const fields = readFields(unsigned);
  const [chain, nonce, tip, maxFee, gas, value] = [0, 1, 2, 3, 4, 6].map((at) => numberOf(fields[at])) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const to = bytesOf(fields[5]);
  const data = bytesOf(fields[7]);
  const accessList = fields[8];
  requireSame(chain === chainId, 'the chain id');
  requireSame(tip <= maxFee, 'the fees');
  requireSame(Array.isArray(accessList) && accessList.length === 0, 'there is an access list');
  requireSame(to.length === 20, 'it creates a contract');
  const target = toChecksumAddress(to);
  if (expected.kind === 'native') {
    requireSame(target === expected.to, 'the destination');
    requireSame(value === expected.amount, 'the amount');
    requireSame(data.length === 0, 'it calls a contract');
  } else {
    requireSame(target === expected.contract, 'the token contract');
    requireSame(value === 0n, 'it sends native coin');
    if (expected.kind === 'token') checkTransferCall(data, expected);
    else checkAuthorisedCall(data, expected);
  }
  return { maxFeeNative: gas * maxFee, nonce: nonce.toString() };
}

/**
 * Signs a checked transaction (EIP-1559, EIP-2718).
 *
 * @param sign returns `r s v` for a digest
 */
export function signEvmTransaction(
  unsigned: Uint8Array,
  sign: (digest: Uint8Array) => Uint8Array,
): SignedTransaction {
  const signature = sign(keccak_256(unsigned));
  const number = (bytes: Uint8Array) => rlpNumber(BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  const [r, s, v] = [signature.subarray(0, 32), signature.subarray(32, 64), signature.subarray(64)];
  const body = encodeRlp([...readFields(unsigned), number(v), number(r), number(s)]);
  const transaction = Uint8Array.of(transactionType, ...body);
  return { transaction, id: `0x${Buffer.from(keccak_256(transaction)).toString('hex')}` };
}

/** The nonce of an unsigned EIP-1559 transaction. @throws SignerRefusal `meaning_differs` if the bytes are none */
export function evmNonceOf(unsigned: Uint8Array): bigint {
  return numberOf(readFields(unsigned)[1]);
}

function readFields(unsigned: Uint8Array): readonly RlpItem[] {
  requireSame(unsigned[0] === transactionType, 'this is no EIP-1559 transaction');
  let fields: RlpItem;
  try {
    fields = decodeRlp(unsigned.subarray(1));
  } catch {
    requireSame(false, 'this is not canonical RLP');
  }
  requireSame(Array.isArray(fields) && fields.length === 9, 'the number of its fields');
  return fields;
}

function checkTransferCall(data: Uint8Array, { amount, to }: Movement): void {
  const words = readCall(data, selectors.transfer, 2);
  requireSame(addressIn(words[0]) === to, 'the destination');
  requireSame(wordNumber(words[1]) === amount, 'the amount');
}

function checkAuthorisedCall(data: Uint8Array, { amount, from, to }: Movement): void {
  const words = readCall(data, selectors.receiveWithAuthorization, 9);
  requireSame(addressIn(words[0]) === from, 'the deposit address');
  requireSame(addressIn(words[1]) === to, 'the destination');
  requireSame(wordNumber(words[2]) === amount, 'the amount');
}

function readCall(data: Uint8Array, expected: string, words: number): Uint8Array[] {
  const selector = Buffer.from(data.subarray(0, 4)).toString('hex');
  requireSame(selector === expected, 'the call');
  requireSame(data.length === 4 + words * wordBytes, 'the length of the call');
  return Array.from({ length: words }, (_, word) =>
    data.subarray(4 + word * wordBytes, 4 + (word + 1) * wordBytes),
  );
}

function addressIn(word: Uint8Array | undefined): string {
  requireSame(word?.subarray(0, 12).every((byte) => byte === 0) === true, 'an address');
  return toChecksumAddress(word.subarray(12));
}

function wordNumber(word: Uint8Array | undefined): bigint {
  return BigInt(`0x${Buffer.from(word ?? []).toString('hex')}`);
}

function numberOf(item: RlpItem | undefined): bigint {
  const bytes = bytesOf(item);
  requireSame(bytes[0] !== 0 && bytes.length <= wordBytes, 'a number');
  return bytes.length === 0 ? 0n : wordNumber(bytes);
}

function bytesOf(item: RlpItem | undefined): Uint8Array {
  requireSame(item instanceof Uint8Array, 'a field');
  return item;
}
