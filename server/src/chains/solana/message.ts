import { base58 } from '@scure/base';

/** An instruction of a message, with its accounts as addresses. */
export interface DecodedInstruction {
  readonly program: string;
  readonly accounts: readonly string[];
  readonly data: Uint8Array;
}

/** A message without address lookup tables. */
export interface DecodedMessage {
  /** The number of required signatures. The signers are the first accounts. */
  readonly signatures: number;
  readonly accounts: readonly string[];
  readonly blockhash: string;
  readonly instructions: readonly DecodedInstruction[];
}

const version0 = 0x80;
const addressBytes = 32;

/**
 * Decodes a message of version 0 (Solana documentation, Transactions; SIMD-0014 for the version prefix). Address lookup tables are
 * rejected, because the bytes do not contain the addresses that they refer to.
 *
 * @throws RangeError if the bytes are not exactly one such message
 */
export function decodeMessage(bytes: Uint8Array): DecodedMessage {
  let at = 0;
  const take = (length: number): Uint8Array => {
    expect(at + length <= bytes.length);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const takeByte = (): number => take(1)[0] as number;
  /** Solana's compact-u16: seven bits per byte, at most three bytes. */
  const takeLength = (): number => {
    let value = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = takeByte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        expect(shift === 0 || byte !== 0);
        return value;
      }
    }
    throw new RangeError('A compact-u16 must have at most three bytes');
  };
  const takeAddress = (): string => base58.encode(take(addressBytes));

  expect(takeByte() === version0);
  const [signatures] = take(3) as unknown as [number];
  const accounts = Array.from({ length: takeLength() }, takeAddress);
  expect(signatures <= accounts.length && new Set(accounts).size === accounts.length);
  const accountAt = (index: number): string => {
    const account = accounts[index];
    expect(account !== undefined);
    return account;
  };
  const blockhash = takeAddress();
  const instructions = Array.from({ length: takeLength() }, (): DecodedInstruction => {
    const program = accountAt(takeByte());
    const named = Array.from(take(takeLength()), accountAt);
    return { program, accounts: named, data: take(takeLength()) };
  });
  expect(takeLength() === 0 && at === bytes.length);
  return { signatures, accounts, blockhash, instructions };
}

function expect(condition: boolean): asserts condition {
  if (!condition) throw new RangeError('The bytes are not a version 0 message without lookup tables');
}

/** An instruction to encode. */
export interface Instruction {
  readonly program: string;
  readonly accounts: readonly {
    readonly address: string;
    readonly isWritable?: boolean;
    readonly isSigner?: boolean;
  }[];
  readonly data: Uint8Array;
}

/**
 * Encodes a message of version 0 without lookup tables. Accounts are ordered as the format requires: the payer, other signers,
 * other accounts; writable accounts first in each group.
 */
export function encodeMessage(
  payer: string,
  blockhash: string,
  instructions: readonly Instruction[],
): Uint8Array {
  const uses = new Map<string, { isWritable: boolean; isSigner: boolean }>();
  const use = (address: string, isWritable: boolean, isSigner: boolean): void => {
    const known = uses.get(address);
    uses.set(address, {
      isWritable: isWritable || (known?.isWritable ?? false),
      isSigner: isSigner || (known?.isSigner ?? false),
    });
  };
  use(payer, true, true);
  for (const { accounts, program } of instructions) {
    for (const { address, isSigner = false, isWritable = false } of accounts)
      use(address, isWritable, isSigner);
    use(program, false, false);
  }
  const rank = (address: string): number => {
    const { isSigner = false, isWritable = false } = uses.get(address) ?? {};
    return address === payer ? -1 : (isSigner ? 0 : 2) + (isWritable ? 0 : 1);
  };
  const accounts = [...uses.keys()].sort((a, b) => rank(a) - rank(b));
  const countOf = (wanted: number): number => accounts.filter((address) => rank(address) === wanted).length;
  const indexOf = (address: string): number => accounts.indexOf(address);
  return Buffer.concat([
    Uint8Array.of(version0, 1 + countOf(0) + countOf(1), countOf(1), countOf(3)),
    length(accounts.length),
    ...accounts.map((address) => base58.decode(address)),
    base58.decode(blockhash),
    length(instructions.length),
    ...instructions.flatMap(({ accounts: named, data, program }) => [
      Uint8Array.of(indexOf(program)),
      length(named.length),
      Uint8Array.from(named, ({ address }) => indexOf(address)),
      length(data.length),
      data,
    ]),
    length(0),
  ]);
}

/** Encodes a length below 128 as compact-u16. */
function length(count: number): Uint8Array {
  expect(count < 0x80);
  return Uint8Array.of(count);
}
