import { type Block, ChainError } from '../port.ts';

/** Readers of what nodes of Solana answer (Solana RPC HTTP methods). Whatever has another shape is refused. */

/** A block's header. Slots without a block are left out by the chain: the parent tells which came before. */
export interface Header extends Block {
  readonly parentSlot: number;
  /** How many blocks there are up to it; null for very old ones. */
  readonly blockHeight: number;
}

/** What a transaction has changed in one token account. */
export interface TokenChange {
  readonly account: string;
  readonly owner: string;
  readonly mint: string;
  /** After less before, in the token's smallest unit. */
  readonly amount: bigint;
}

/** A transaction that succeeded, as far as tokens go. */
export interface TokenTransaction {
  readonly signature: string;
  readonly changes: readonly TokenChange[];
}

/** How a transaction stands. */
export interface Standing {
  readonly slot: number;
  readonly isFinal: boolean;
  readonly ok: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** A whole number that we count with. */
export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed('a number');
  return value as number;
}

/** A base58 text: an address, a hash or a signature. */
export function base58Text(value: unknown): string {
  if (typeof value !== 'string' || !/^[1-9A-HJ-NP-Za-km-z]{32,88}$/.test(value))
    throw malformed('a base58 text');
  return value;
}

/** Slots, in their order. */
export function slots(value: unknown): number[] {
  return list(value, 'slots').map(count);
}

/** A block of some detail; undefined when the slot has none. */
export function header(value: unknown, slot: number): Header | undefined {
  if (value === null) return undefined;
  const block = fields(value, 'a block');
  return {
    height: slot,
    id: base58Text(block.blockhash),
    parentSlot: count(block.parentSlot),
    blockHeight: count(block.blockHeight),
  };
}

/** The signatures of a block that was asked for with them alone. */
export function signatures(value: unknown): string[] {
  return list(fields(value, 'a block').signatures, 'signatures').map(base58Text);
}

/** The transactions of a block that was asked for with accounts; those that failed are left out. */
export function tokenTransactions(value: unknown): TokenTransaction[] {
  return list(fields(value, 'a block').transactions, 'transactions').flatMap((item) => {
    const { meta, transaction } = fields(item, 'a transaction');
    const { err, postTokenBalances, preTokenBalances } = fields(meta, 'what became of a transaction');
    if (err !== null) return [];
    const before = list(preTokenBalances ?? [], 'token balances');
    const after = list(postTokenBalances ?? [], 'token balances');
    if (before.length === 0 && after.length === 0) return [];
    const { accountKeys, signatures: signed } = fields(transaction, 'a transaction');
    const accounts = list(accountKeys, 'accounts').map((key) => base58Text(fields(key, 'an account').pubkey));
    const [signature] = list(signed, 'signatures');
    return [{ signature: base58Text(signature), changes: changesOf(before, after, accounts) }];
  });
}

function changesOf(before: readonly unknown[], after: readonly unknown[], accounts: readonly string[]) {
  const changes = new Map<string, TokenChange>();
  const add = (item: unknown, sign: 1n | -1n): void => {
    const { accountIndex, mint, owner, uiTokenAmount } = fields(item, 'a token balance');
    const account = accounts[count(accountIndex)];
    const text = fields(uiTokenAmount, 'an amount').amount;
    if (account === undefined || typeof text !== 'string' || !/^\d{1,20}$/.test(text)) {
      throw malformed('a token balance');
    }
    const change = { account, owner: base58Text(owner), mint: base58Text(mint) };
    const key = `${account} ${change.owner} ${change.mint}`;
    const amount = (changes.get(key)?.amount ?? 0n) + sign * BigInt(text);
    changes.set(key, { ...change, amount });
  };
  for (const item of before) add(item, -1n);
  for (const item of after) add(item, 1n);
  return [...changes.values()].filter(({ amount }) => amount !== 0n);
}

/** The value of an answer that says which slot it is of. */
export function contextValue<Value>(
  answer: unknown,
  read: (value: unknown) => Value,
): { slot: number; value: Value } {
  const { context, value } = fields(answer, 'a value');
  return { slot: count(fields(context, 'a context').slot), value: read(value) };
}

/** How transactions stand, in the order in which they were asked for; undefined for those that are unknown. */
export function standings(value: unknown): (Standing | undefined)[] {
  return list(value, 'statuses').map((item) => {
    if (item === null) return undefined;
    const { confirmationStatus, err, slot } = fields(item, 'a status');
    return { slot: count(slot), isFinal: confirmationStatus === 'finalized', ok: err === null };
  });
}

/** What a transaction took from its payer: fee, and the rent of accounts that it made. */
export function paidByPayer(value: unknown): bigint | undefined {
  if (value === null) return undefined;
  const { meta } = fields(value, 'a transaction');
  const { postBalances, preBalances } = fields(meta, 'what became of a transaction');
  const [before] = list(preBalances, 'balances').map(count);
  const [after] = list(postBalances, 'balances').map(count);
  if (before === undefined || after === undefined) throw malformed('balances');
  return BigInt(before) - BigInt(after);
}

/** An account, or undefined when there is none. */
export interface Account {
  readonly program: string;
  readonly data: Uint8Array;
  readonly lamports: bigint;
}

/** Accounts that were asked for in base64. */
export function accountList(value: unknown): (Account | undefined)[] {
  return list(value, 'accounts').map((item) => {
    if (item === null) return undefined;
    const { data, lamports, owner } = fields(item, 'an account');
    const [text, encoding] = list(data, 'data');
    if (typeof text !== 'string' || encoding !== 'base64') throw malformed('data in base64');
    return {
      program: base58Text(owner),
      data: Buffer.from(text, 'base64'),
      lamports: BigInt(count(lamports)),
    };
  });
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what);
  return value;
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Fields;
}

function malformed(wanted: string): ChainError {
  return new ChainError(`The node's answer is malformed: it should hold ${wanted}.`);
}
