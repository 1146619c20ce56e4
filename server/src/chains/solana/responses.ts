import { count, fields, list, malformed } from '../decoding.ts';
import type { Block } from '../port.ts';

/** Decoders of Solana RPC responses. Each throws ChainError if the response has another shape. */

/** A block header. Slots may be skipped; the parent slot identifies the previous block. */
export interface Header extends Block {
  readonly parentSlot: number;
  /** The number of blocks up to this one. */
  readonly blockHeight: number;
}

/** The change of one token account's balance in a transaction. */
export interface TokenChange {
  readonly account: string;
  readonly owner: string;
  readonly mint: string;
  /** Balance after minus balance before, in the token's smallest unit. */
  readonly amount: bigint;
}

/** A successful transaction and its token balance changes. */
export interface TokenTransaction {
  readonly signature: string;
  readonly changes: readonly TokenChange[];
}

/** The status of a transaction. */
export interface SignatureStatus {
  readonly slot: number;
  readonly isFinal: boolean;
  readonly ok: boolean;
}

/** Decodes a base58 text: an address, a hash or a signature. */
export function base58Text(value: unknown): string {
  if (typeof value !== 'string' || !/^[1-9A-HJ-NP-Za-km-z]{32,88}$/.test(value))
    throw malformed('a base58 text');
  return value;
}

/** Decodes a list of slots. */
export function slots(value: unknown): number[] {
  return list(value, 'slots').map(count);
}

/** Decodes the header of a block in any detail; undefined if the slot has none. */
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

/** Decodes the signatures of a block in detail `signatures`. */
export function signatures(value: unknown): string[] {
  return list(fields(value, 'a block').signatures, 'signatures').map(base58Text);
}

/** The transactions of a block. */
export interface BlockTransactions {
  /** All of them, failed ones included. */
  readonly count: number;
  /** The successful ones that changed token balances. */
  readonly changing: readonly TokenTransaction[];
}

/** Decodes the transactions of a block in detail `accounts`, whatever their version is. */
export function blockTransactions(value: unknown): BlockTransactions {
  const transactions = list(fields(value, 'a block').transactions, 'transactions');
  const changing = transactions.flatMap((item) => {
    const { meta, transaction } = fields(item, 'a transaction');
    const { err, postTokenBalances, preTokenBalances } = fields(meta, 'transaction metadata');
    if (err !== null) return [];
    // A node that does not record token balances leaves them out.
    const before = list(preTokenBalances, 'token balances');
    const after = list(postTokenBalances, 'token balances');
    if (before.length === 0 && after.length === 0) return [];
    const { accountKeys, signatures: signed } = fields(transaction, 'a transaction');
    const accounts = list(accountKeys, 'accounts').map((key) => base58Text(fields(key, 'an account').pubkey));
    const [signature] = list(signed, 'signatures');
    return [{ signature: base58Text(signature), changes: changesOf(before, after, accounts) }];
  });
  return { count: transactions.length, changing };
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

/** Decodes a value with its context. */
export function contextValue<Value>(
  result: unknown,
  read: (value: unknown) => Value,
): { slot: number; value: Value } {
  const { context, value } = fields(result, 'a value');
  return { slot: count(fields(context, 'a context').slot), value: read(value) };
}

/** Decodes signature statuses in the order of the request; undefined for unknown transactions. */
export function signatureStatuses(value: unknown): (SignatureStatus | undefined)[] {
  return list(value, 'statuses').map((item) => {
    if (item === null) return undefined;
    const { confirmationStatus, err, slot } = fields(item, 'a status');
    return { slot: count(slot), isFinal: confirmationStatus === 'finalized', ok: err === null };
  });
}

/** Decodes the lowest prices of recent blocks, in micro-lamports per compute unit (`getRecentPrioritizationFees`). */
export function prioritizationFees(value: unknown): bigint[] {
  return list(value, 'prioritization fees').map((item) =>
    BigInt(count(fields(item, 'a prioritization fee').prioritizationFee)),
  );
}

/** What a transaction took from its payer, its fee and the rent of created accounts, and the changes of token balances by owner. */
export interface LandedTransaction {
  readonly paidByPayer: bigint;
  readonly changes: readonly Pick<TokenChange, 'owner' | 'mint' | 'amount'>[];
}

/** Decodes a transaction in a block; undefined if it is unknown. */
export function landedTransaction(value: unknown): LandedTransaction | undefined {
  if (value === null) return undefined;
  const { meta } = fields(value, 'a transaction');
  const { postBalances, postTokenBalances, preBalances, preTokenBalances } = fields(
    meta,
    'transaction metadata',
  );
  const balances = list(preBalances, 'balances').map(count);
  const [before] = balances;
  const [after] = list(postBalances, 'balances').map(count);
  if (before === undefined || after === undefined) throw malformed('balances');
  // The positions of accounts distinguish them as well as their addresses.
  const accounts = balances.map((_, index) => String(index));
  const changes = changesOf(
    list(preTokenBalances ?? [], 'token balances'),
    list(postTokenBalances ?? [], 'token balances'),
    accounts,
  );
  return { paidByPayer: BigInt(before) - BigInt(after), changes };
}

/** An account. */
export interface Account {
  readonly program: string;
  readonly data: Uint8Array;
  readonly lamports: bigint;
}

/** Decodes accounts in base64; undefined for accounts that do not exist. */
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
