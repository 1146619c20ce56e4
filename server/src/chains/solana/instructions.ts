import type { Instruction } from './message.ts';
import { programs, type TokenProgram, tokenAccountOf } from './programs.ts';

const transferChecked = 12;
const createIdempotent = 1;
const tokenDecimals = 6;

/** A token transfer between two owners. */
export interface TokenMovement {
  readonly mint: string;
  readonly program: TokenProgram;
  /** The owner who signs, and the owner who receives. */
  readonly from: string;
  readonly to: string;
  /** In the token's smallest unit. */
  readonly amount: bigint;
}

/** `TransferChecked` of SPL Token between the associated accounts of both owners. */
export function transferInstruction({ amount, from, mint, program, to }: TokenMovement): Instruction {
  const data = Buffer.alloc(10);
  data[0] = transferChecked;
  data.writeBigUInt64LE(amount, 1);
  data[9] = tokenDecimals;
  return {
    program,
    accounts: [
      { address: tokenAccountOf(from, mint, program), isWritable: true },
      { address: mint },
      { address: tokenAccountOf(to, mint, program), isWritable: true },
      { address: from, isSigner: true },
    ],
    data,
  };
}

/** `CreateIdempotent` of the associated token program: creates the receiver's account if it does not exist. */
export function creationInstruction(payer: string, { mint, program, to }: TokenMovement): Instruction {
  return {
    program: programs.associatedToken,
    accounts: [
      { address: payer, isWritable: true, isSigner: true },
      { address: tokenAccountOf(to, mint, program), isWritable: true },
      { address: to },
      { address: mint },
      { address: programs.system },
      { address: program },
    ],
    data: Uint8Array.of(createIdempotent),
  };
}

/** The compute unit limit and the price per unit (`SetComputeUnitLimit`, `SetComputeUnitPrice`). */
export function budgetInstructions(units: number, microLamports: bigint): Instruction[] {
  const limit = Buffer.alloc(5);
  limit[0] = 2;
  limit.writeUInt32LE(units, 1);
  const price = Buffer.alloc(9);
  price[0] = 3;
  price.writeBigUInt64LE(microLamports, 1);
  return [limit, price].map((data) => ({ program: programs.computeBudget, accounts: [], data }));
}
