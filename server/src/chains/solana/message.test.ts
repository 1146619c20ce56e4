import { base58 } from '@scure/base';
import {
  AccountRole,
  address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createTransactionMessage,
  getAddressEncoder,
  getProgramDerivedAddress,
  type Instruction,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDeriver } from '../../custody/derivation.ts';
import { seedFromMnemonic } from '../../custody/seed.ts';
import { toSolanaAddress } from '../addresses.ts';
import { SignerRefusal } from '../errors.ts';
import type { Movement } from '../signing.ts';
import { budgetInstructions, creationInstruction, transferInstruction } from './instructions.ts';
import { decodeMessage, encodeMessage } from './message.ts';
import { programs, type TokenProgram, tokenAccountOf } from './programs.ts';
import { checkSolanaTransaction, signSolanaTransaction } from './transaction.ts';

const allAll = createDeriver(seedFromMnemonic('all all all all all all all all all all all all'));
const usdc = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
const blockhash = '2p4rYZAaFfV5Uk5ugdG5KPNty9Uda9B3b4gWB8qnNqak';
const treasury = allAll.address('solana', 'treasury');
const deposit = allAll.address('solana', 3);
const bob = 'FUqrjRRtF1LiptdFqaFxipE8R3YfCE4k56xwm5n1piqX';

const writable = (account: string) => ({ address: address(account), role: AccountRole.WRITABLE });
const readonly = (account: string) => ({ address: address(account), role: AccountRole.READONLY });
const signer = (account: string) => ({ address: address(account), role: AccountRole.READONLY_SIGNER });
const payer = (account: string) => ({ address: address(account), role: AccountRole.WRITABLE_SIGNER });

function transfer(
  from: string,
  to: string,
  amount: bigint,
  program: TokenProgram = programs.token,
): Instruction {
  const data = Buffer.alloc(10, 12);
  data.writeBigUInt64LE(amount, 1);
  data[9] = 6;
  const accounts = [
    writable(tokenAccountOf(from, usdc, program)),
    readonly(usdc),
    writable(tokenAccountOf(to, usdc, program)),
    signer(from),
  ];
  return { programAddress: address(program), accounts, data };
}

function creation(owner: string, from = treasury): Instruction {
  const accounts = [
    payer(from),
    writable(tokenAccountOf(owner, usdc, programs.token)),
    readonly(owner),
    readonly(usdc),
    readonly(programs.system),
    readonly(programs.token),
  ];
  return { programAddress: address(programs.associatedToken), accounts, data: Uint8Array.of(1) };
}

function budget(units: number, price: bigint): Instruction[] {
  const [limit, cost] = [Buffer.alloc(5, 2), Buffer.alloc(9, 3)];
  limit.writeUInt32LE(units, 1);
  cost.writeBigUInt64LE(price, 1);
  return [limit, cost].map((data) => ({ programAddress: address(programs.computeBudget), data }));
}

/** The message as the Solana kit compiles it. */
function compiled(
  instructions: readonly Instruction[],
  feePayer = treasury,
  version: 0 | 'legacy' = 0,
): Uint8Array {
  const message = pipe(
    createTransactionMessage({ version }),
    (empty) => setTransactionMessageFeePayer(address(feePayer), empty),
    (paid) =>
      setTransactionMessageLifetimeUsingBlockhash(
        { blockhash: blockhash as Blockhash, lastValidBlockHeight: 1n },
        paid,
      ),
    (living) => appendTransactionMessageInstructions([...instructions], living),
  );
  return Uint8Array.from(compileTransaction(message).messageBytes);
}

const movement: Movement = { kind: 'token', contract: usdc, from: treasury, to: bob, amount: 5_000_000n };
const check = (instructions: readonly Instruction[], expected = movement) =>
  checkSolanaTransaction(compiled(instructions), expected, treasury, programs.token);

test('token accounts are those that the Solana kit finds', async () => {
  const owner = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toSolanaAddress);
  await fc.assert(
    fc.asyncProperty(owner, fc.constantFrom(programs.token, programs.token2022), async (found, program) => {
      const encoder = getAddressEncoder();
      const [theirs] = await getProgramDerivedAddress({
        programAddress: address(programs.associatedToken),
        seeds: [found, program, usdc].map((seed) => encoder.encode(address(seed))),
      });
      expect(tokenAccountOf(found, usdc, program)).toBe(theirs);
    }),
    { numRuns: 50 },
  );
});

test('a message is signed as the Trezor signs it', () => {
  // trezor/trezor-firmware, common/tests/fixtures/solana/sign_tx.token_program.json, "Transfer".
  const accounts = [
    '14CCvQzQzHCVgZM3j9soPnXuJXh1RmCfwLVUcdfbZVBS',
    'ETxHeBBcuw9Yu4dGuP3oXrD12V5RECvmi8ogQ9PkjyVF',
    bob,
    programs.token,
  ].map((account) => base58.decode(account));
  const data = Uint8Array.of(3, 200, 0, 0, 0, 0, 0, 0, 0);
  const message = Buffer.concat([
    Uint8Array.of(1, 0, 1, accounts.length),
    ...accounts,
    base58.decode(blockhash),
    Uint8Array.of(1, 3, 3, 2, 1, 0, data.length),
    data,
  ]);
  expect(Buffer.from(allAll.sign('solana', 0, message)).toString('hex')).toBe(
    '7b118ca14ee39934340ba4ecd3cf1b14d36d61812c22723fed7216fcd001513941de4fc4cee253ab5a6032a210a217677ec42026d34a09b0ab9e64d99fd7e702',
  );
});

describe('what a message does is read from its bytes', () => {
  test('a transfer passes; the creation of the account and the compute budget are part of what it costs', () => {
    expect(check([transfer(treasury, bob, 5_000_000n)])).toEqual({ maxFeeNative: 5000n, nonce: null });
    const whole = [...budget(60_000, 1_000_001n), creation(bob), transfer(treasury, bob, 5_000_000n)];
    expect(check(whole).maxFeeNative).toBe(5000n + 60_001n + 4_200_000n);
  });

  test('a sweep is signed by the deposit address and paid for by the treasury', () => {
    const sweep: Movement = { ...movement, from: deposit, to: treasury };
    const message = compiled([transfer(deposit, treasury, 5_000_000n)]);
    expect(checkSolanaTransaction(message, sweep, treasury, programs.token).maxFeeNative).toBe(10_000n);
    const signed = signSolanaTransaction(message, (owner, content) =>
      allAll.sign('solana', owner === deposit ? 3 : 'treasury', content),
    );
    expect(signed.transaction[0]).toBe(2);
    expect(signed.id).toBe(base58.encode(signed.transaction.subarray(1, 65)));
  });

  const right = transfer(treasury, bob, 5_000_000n);
  test.each<[string, Instruction[], string]>([
    ['another amount', [transfer(treasury, bob, 5_000_001n)], 'the amount'],
    ['another destination', [transfer(treasury, deposit, 5_000_000n)], 'the accounts'],
    ['another sender', [transfer(deposit, bob, 5_000_000n)], 'the number of signatures'],
    ['another program', [transfer(treasury, bob, 5_000_000n, programs.token2022)], 'the token program'],
    ['a second transfer', [right, transfer(treasury, bob, 5_000_000n)], 'the instructions'],
    [
      'something before it',
      [{ programAddress: address(programs.system), data: new Uint8Array(4) }, right],
      'the instructions',
    ],
    ['an account for somebody else', [creation(deposit), right], 'the new account'],
    ['nothing', [], 'it must contain a transfer'],
  ])('%s is refused', (_, instructions, fault) => {
    expect(() => check(instructions)).toThrow(SignerRefusal);
    expect(() => check(instructions)).toThrow(fault);
  });

  test('another payer and the older form are refused', () => {
    expect(() =>
      checkSolanaTransaction(compiled([right], deposit), movement, treasury, programs.token),
    ).toThrow('the payer');
    const legacy = compiled([right], treasury, 'legacy');
    expect(() => checkSolanaTransaction(legacy, movement, treasury, programs.token)).toThrow(
      'this is no message',
    );
  });

  test('changed bytes are refused, but for the blockhash', () => {
    const message = compiled([right]);
    const at = Buffer.from(message).indexOf(Buffer.from(base58.decode(blockhash)));
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const wrong = Uint8Array.from(message);
        wrong[place] = (wrong[place] as number) ^ change;
        let passed = true;
        try {
          checkSolanaTransaction(wrong, movement, treasury, programs.token);
        } catch (error) {
          expect(error).toBeInstanceOf(SignerRefusal);
          passed = false;
        }
        // The two bytes that tell which accounts are read-only decide nothing here: the network refuses wrong ones.
        const isFree = (place >= at && place < at + 32) || place === 2 || place === 3;
        expect({ place, passed: passed && !isFree }).toEqual({ place, passed: false });
      }),
      { numRuns: 1000 },
    );
  });

  test('a message is decoded whole or not at all', () => {
    const message = compiled([right]);
    expect(decodeMessage(message).instructions).toHaveLength(1);
    for (let length = 0; length < message.length; length += 1) {
      expect(() => decodeMessage(message.subarray(0, length))).toThrow(RangeError);
    }
    expect(() => decodeMessage(Uint8Array.from([...message, 0]))).toThrow(RangeError);
  });
});

describe('a message is encoded', () => {
  const sent = { mint: usdc, program: programs.token, from: treasury, to: bob, amount: 5_000_000n };
  const swept = { ...sent, from: deposit, to: treasury, program: programs.token2022 };

  test.each([
    ['a transfer', sent, false],
    ['a transfer to a new account', sent, true],
    ['a sweep', swept, false],
  ])('%s: the signer takes it, and it decodes to what went in', (_, moved, isCreating) => {
    const bytes = encodeMessage(treasury, blockhash, [
      ...budgetInstructions(80_123, 10_000n),
      ...(isCreating ? [creationInstruction(treasury, moved)] : []),
      transferInstruction(moved),
    ]);
    const { amount, from, program, to } = moved;
    const expected: Movement = { kind: 'token', contract: usdc, from, to, amount };
    const facts = checkSolanaTransaction(bytes, expected, treasury, program);
    expect(facts.maxFeeNative).toBe(
      (from === treasury ? 5000n : 10_000n) + 802n + (isCreating ? 4_200_000n : 0n),
    );
    const decoded = decodeMessage(bytes);
    expect(decoded.blockhash).toBe(blockhash);
    expect(decoded.accounts[0]).toBe(treasury);
  });

  test('as the Solana kit compiles it, up to the order of accounts of one kind', () => {
    const bytes = encodeMessage(treasury, blockhash, [
      ...budgetInstructions(80_000, 5n),
      creationInstruction(treasury, sent),
      transferInstruction(sent),
    ]);
    const theirs = compiled([...budget(80_000, 5n), creation(bob), transfer(treasury, bob, 5_000_000n)]);
    expect(bytes.subarray(0, 4)).toEqual(Buffer.from(theirs.subarray(0, 4)));
    const [ours, kits] = [decodeMessage(bytes), decodeMessage(theirs)];
    const plain = ({ instructions }: typeof ours) =>
      instructions.map((one) => ({ ...one, data: Buffer.from(one.data).toString('hex') }));
    expect(plain(ours)).toEqual(plain(kits));
    expect([...ours.accounts].sort()).toEqual([...kits.accounts].sort());
  });
});
