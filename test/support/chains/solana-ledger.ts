import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { base58 } from '@scure/base';
import { address, getTransactionDecoder, lamports } from '@solana/kit';
import { FailedTransactionMetadata, LiteSVM } from 'litesvm';
import {
  budgetInstructions,
  creationInstruction,
  transferInstruction,
} from '../../../server/src/chains/solana/instructions.ts';
import { decodeMessage, encodeMessage, type Instruction } from '../../../server/src/chains/solana/message.ts';
import { programs, type TokenProgram, tokenAccountOf } from '../../../server/src/chains/solana/programs.ts';

/** Blocks for which a blockhash is good. */
const validBlocks = 150;

/** A token of the test chain. Fees are taken from what is transferred, in hundredths of a percent. */
export interface TestMint {
  readonly mint: string;
  readonly program: TokenProgram;
  readonly feeBasisPoints?: number;
}

/** A transaction as a block has it. */
export interface MinedTransaction {
  readonly signature: string;
  readonly accounts: readonly string[];
  readonly failed: boolean;
  readonly fee: bigint;
  readonly balances: readonly [before: readonly bigint[], after: readonly bigint[]];
  readonly tokens: readonly [before: readonly TokenBalance[], after: readonly TokenBalance[]];
}

export interface TokenBalance {
  readonly accountIndex: number;
  readonly owner: string;
  readonly mint: string;
  readonly amount: bigint;
  readonly program: string;
}

/** A block. Slots in between have none. */
export interface MinedBlock {
  readonly slot: number;
  readonly parentSlot: number;
  readonly blockHeight: number;
  readonly blockhash: string;
  readonly transactions: readonly MinedTransaction[];
  /** The accounts of its transactions as they were before it. */
  readonly before: ReadonlyMap<string, AccountState>;
}

type AccountState = ReturnType<LiteSVM['getAccount']>;

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

/** A chain of blocks whose transactions are executed by the real runtime and the real token programs. */
export class SolanaLedger {
  readonly blocks: MinedBlock[] = [];
  readonly svm = new LiteSVM().withBlockhashCheck(false).withSigverify(true);
  readonly faucet: string;
  private readonly secret = sha256('faucet of the test chain');
  private waiting: { raw: Uint8Array; signature: string }[] = [];
  private readonly signatures = new Set<string>();
  private slot = -1;
  private number = 0;

  constructor() {
    this.faucet = base58.encode(ed25519.getPublicKey(this.secret));
    this.giveLamports(this.faucet, 1_000_000_000_000n);
    this.mine();
  }

  /** The newest block that is final: two more have been built on it. */
  get final(): MinedBlock {
    return this.blocks.at(-3) ?? (this.blocks[0] as MinedBlock);
  }

  get newest(): MinedBlock {
    return this.blocks.at(-1) as MinedBlock;
  }

  giveLamports(owner: string, amount: bigint): void {
    this.svm.airdrop(address(owner), lamports(amount));
  }

  /** Leaves a plain account with so much and no more. */
  leaveLamports(owner: string, amount: bigint): void {
    this.svm.setAccount({
      address: address(owner),
      data: new Uint8Array(),
      executable: false,
      lamports: lamports(amount),
      programAddress: address(programs.system),
      space: 0n,
    });
  }

  /** Freezes or thaws a token account, as its issuer can. */
  setFrozen(account: string, isFrozen: boolean): void {
    const found = this.svm.getAccount(address(account));
    if (!found.exists) throw new Error('There is no such account');
    const data = Uint8Array.from(found.data);
    data[108] = isFrozen ? 2 : 1;
    this.svm.setAccount({ ...found, data });
  }

  lamportsOf(owner: string): bigint {
    return this.svm.getBalance(address(owner)) ?? 0n;
  }

  /** Makes a mint with six decimals that the faucet may mint. */
  addMint({ feeBasisPoints, mint, program }: TestMint, decimals = 6): void {
    const base = Buffer.alloc(82);
    base.writeUInt32LE(1, 0);
    Buffer.from(base58.decode(this.faucet)).copy(base, 4);
    base[44] = decimals;
    base[45] = 1;
    const data = feeBasisPoints === undefined ? base : Buffer.concat([base, feeExtension(feeBasisPoints)]);
    this.svm.setAccount({
      address: address(mint),
      data: Uint8Array.from(data),
      executable: false,
      lamports: lamports(100_000_000n),
      programAddress: address(program),
      space: BigInt(data.length),
    });
  }

  /** What an owner has in its associated account. */
  balanceOf(owner: string, { mint, program }: TestMint): bigint {
    return this.tokenAccount(tokenAccountOf(owner, mint, program))?.amount ?? 0n;
  }

  /** Sends tokens out of the faucet, which makes them. @returns the signature */
  pay(token: TestMint, to: string, amount: bigint): string {
    const { mint, program } = token;
    const mintTo = (owner: string): Instruction => mintInstruction(token, owner, this.faucet, amount);
    const movement = { mint, program, from: this.faucet, to, amount };
    const make = creationInstruction(this.faucet, movement);
    if (token.feeBasisPoints === undefined) return this.send([make, mintTo(to)]);
    const own = creationInstruction(this.faucet, { ...movement, to: this.faucet });
    return this.send([own, make, mintTo(this.faucet), transferInstruction(movement)]);
  }

  /** Signs and sends instructions of the faucet's. */
  send(instructions: readonly Instruction[]): string {
    this.number += 1;
    const message = encodeMessage(this.faucet, this.newest.blockhash, [
      ...budgetInstructions(200_000 + this.number, 0n),
      ...instructions,
    ]);
    const signed = ed25519.sign(message, this.secret);
    return this.take(Buffer.concat([Uint8Array.of(1), signed, message]));
  }

  /** Takes a transaction for the next block. @returns its signature */
  take(raw: Uint8Array): string {
    const signature = signatureOf(raw);
    this.waiting.push({ raw, signature });
    return signature;
  }

  /** Forgets what waits for a block. */
  forget(): void {
    this.waiting = [];
  }

  /** Makes blocks, the first with everything that waits; now and then a slot is skipped. */
  mine(count = 1): void {
    for (let made = 0; made < count; made += 1) {
      const parentSlot = this.blocks.at(-1)?.slot ?? 0;
      this.slot += this.blocks.length % 4 === 3 ? 2 : 1;
      this.svm.warpToSlot(BigInt(this.slot));
      const before = new Map<string, AccountState>();
      const transactions = this.waiting.splice(0).flatMap((one) => this.execute(one, before));
      const blockhash = base58.encode(sha256(`block ${this.slot}`));
      const blockHeight = this.blocks.length;
      this.blocks.push({ slot: this.slot, parentSlot, blockHeight, blockhash, transactions, before });
    }
  }

  /** An account as it is after the newest final block. */
  finalAccount(account: string): AccountState {
    const later = this.blocks.filter(({ slot }) => slot > this.final.slot);
    for (const { before } of later) {
      const known = before.get(account);
      if (known) return known;
    }
    return this.svm.getAccount(address(account));
  }

  private execute(
    { raw, signature }: { raw: Uint8Array; signature: string },
    earlier: Map<string, AccountState>,
  ): MinedTransaction[] {
    if (this.signatures.has(signature)) return [];
    const transaction = getTransactionDecoder().decode(raw);
    const { accounts, blockhash } = decodeMessage(Uint8Array.from(transaction.messageBytes));
    const isRecent = this.blocks.slice(-validBlocks).some((block) => block.blockhash === blockhash);
    if (!isRecent && this.blocks.length > 0) return [];
    const look = () => ({
      balances: accounts.map((account) => this.lamportsOf(account)),
      tokens: accounts.flatMap((account, accountIndex) => {
        const found = this.tokenAccount(account);
        return found ? [{ accountIndex, ...found }] : [];
      }),
    });
    const before = look();
    for (const account of accounts) {
      if (!earlier.has(account)) earlier.set(account, this.svm.getAccount(address(account)));
    }
    const outcome = this.svm.sendTransaction(transaction);
    const failed = outcome instanceof FailedTransactionMetadata;
    const after = look();
    // Who cannot pay the fee gets into no block.
    if (failed && after.balances[0] === before.balances[0]) return [];
    this.signatures.add(signature);
    const fee = 5000n * BigInt(Object.keys(transaction.signatures).length);
    const balances = [before.balances, after.balances] as const;
    return [{ signature, accounts, failed, fee, balances, tokens: [before.tokens, after.tokens] }];
  }

  private tokenAccount(account: string): Omit<TokenBalance, 'accountIndex'> | undefined {
    const found = this.svm.getAccount(address(account));
    if (!found.exists || found.data.length < 165) return undefined;
    const program = found.programAddress as string;
    if (program !== programs.token && program !== programs.token2022) return undefined;
    const data = Buffer.from(found.data);
    // A mint with extensions is as long; its kind is behind the base.
    if (data.length > 165 && data[165] !== 2) return undefined;
    return {
      mint: base58.encode(data.subarray(0, 32)),
      owner: base58.encode(data.subarray(32, 64)),
      amount: data.readBigUInt64LE(64),
      program,
    };
  }
}

/** The first signature names a transaction. */
export function signatureOf(raw: Uint8Array): string {
  return base58.encode(raw.subarray(1, 65));
}

/** `MintTo` of SPL Token. */
function mintInstruction(
  { mint, program }: TestMint,
  owner: string,
  authority: string,
  amount: bigint,
): Instruction {
  const data = Buffer.alloc(9);
  data[0] = 7;
  data.writeBigUInt64LE(amount, 1);
  return {
    program,
    accounts: [
      { address: mint, isWritable: true },
      { address: tokenAccountOf(owner, mint, program), isWritable: true },
      { address: authority, isSigner: true },
    ],
    data,
  };
}

/** `TransferFeeConfig` of Token-2022, behind a mint: kind of account, then type, length and value of the extension. */
function feeExtension(basisPoints: number): Buffer {
  const fee = Buffer.alloc(18);
  fee.writeBigUInt64LE(2n ** 63n, 8);
  fee.writeUInt16LE(basisPoints, 16);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(1, 0);
  head.writeUInt16LE(108, 2);
  return Buffer.concat([Buffer.alloc(165 - 82), Uint8Array.of(1), head, Buffer.alloc(72), fee, fee]);
}
