import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  type MinedBlock,
  type MinedTransaction,
  SolanaLedger,
  signatureOf,
  type TokenBalance,
} from './solana-ledger.ts';

/** A node of Solana over HTTP, whose chain is executed by the real runtime. */
export interface SolanaNode {
  readonly url: string;
  readonly ledger: SolanaLedger;
  /** What the node does with transactions that it is sent. */
  taking: 'takes' | 'loses' | 'takes without an answer';
  /** What each of the recent blocks took at least, in micro-lamports per compute unit. */
  prioritizationFees: readonly number[];
  /** The statuses that it keeps; without them it knows of no transaction. */
  keepsHistory: boolean;
  /** The version of the transactions in its blocks. */
  transactionVersion: number;
  /** Blocks are reported without their transactions, or without the token balances in them. */
  omits: 'nothing' | 'transactions' | 'token balances';
  /** Transactions that it is asked for by their signatures are without token balances. */
  hidesMovements: boolean;
  /** The methods that it was asked by for state that need not be finalized. */
  readonly unfinalized: ReadonlySet<string>;
  /** Nobody can reach it until it is up again. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export const genesisHash = '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY';

class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export async function startSolana(): Promise<SolanaNode> {
  const ledger = new SolanaLedger();
  let port = 0;
  let server: Server | undefined;
  const unfinalized = new Set<string>();
  const node: SolanaNode = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    ledger,
    taking: 'takes',
    keepsHistory: true,
    transactionVersion: 0,
    omits: 'nothing',
    hidesMovements: false,
    unfinalized,
    prioritizationFees: [],
    async up() {
      server = createServer(async (request, response) => {
        const { id, method, params } = (await json(request)) as {
          id: number;
          method: string;
          params: unknown[];
        };
        response.setHeader('content-type', 'application/json');
        try {
          if (!isFinalized(method, params)) unfinalized.add(method);
          const result = answer(node, method, params);
          if (result === undefined) response.destroy();
          else response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          const { code, message } = error;
          response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));
        }
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    async down() {
      const closed = server && once(server, 'close');
      server?.close();
      server?.closeAllConnections();
      await closed;
      server = undefined;
    },
    stop: () => node.down(),
  };
  await node.up();
  return node;
}

/** What depends on no commitment, or answers with its own. */
const uncommitted = new Set([
  'getGenesisHash',
  'getSignatureStatuses',
  'getRecentPrioritizationFees',
  'sendTransaction',
]);

function isFinalized(method: string, params: readonly unknown[]): boolean {
  const options = params.at(-1) as { commitment?: string } | undefined;
  return uncommitted.has(method) || options?.commitment === 'finalized';
}

/** @returns undefined when there is to be no answer */
function answer(node: SolanaNode, method: string, params: readonly unknown[]): unknown {
  const { ledger } = node;
  const context = { slot: ledger.final.slot };
  const [first, second] = params;
  switch (method) {
    case 'getGenesisHash':
      return genesisHash;
    case 'getSlot':
      return ledger.final.slot;
    case 'getBlocks':
      return finalBlocks(ledger)
        .map(({ slot }) => slot)
        .filter((slot) => slot >= (first as number) && slot <= (second as number));
    case 'getBlock':
      return blockAnswer(node, first as number, second as BlockOptions);
    case 'getBalance':
      return { context, value: Number(ledger.lamportsOf(first as string)) };
    case 'getMultipleAccounts':
      return { context, value: (first as string[]).map((one) => accountAnswer(ledger, one)) };
    case 'getSignatureStatuses':
      return { context, value: (first as string[]).map((one) => statusAnswer(node, one)) };
    case 'getRecentPrioritizationFees':
      return node.prioritizationFees.map((prioritizationFee, slot) => ({ slot, prioritizationFee }));
    case 'getTransaction':
      return transactionAnswer(node, first as string);
    case 'sendTransaction': {
      const raw = Buffer.from(first as string, 'base64');
      const signature = signatureOf(raw);
      if (node.taking !== 'loses') ledger.take(raw);
      return node.taking === 'takes without an answer' ? undefined : signature;
    }
    default:
      throw new Refusal(-32601, `Method not found: ${method}`);
  }
}

function finalBlocks(ledger: SolanaLedger): MinedBlock[] {
  return ledger.blocks.filter(({ slot }) => slot <= ledger.final.slot);
}

interface BlockOptions {
  readonly transactionDetails: string;
  readonly maxSupportedTransactionVersion: number;
}

function blockAnswer(
  { ledger, omits, transactionVersion }: SolanaNode,
  slot: number,
  { maxSupportedTransactionVersion, transactionDetails }: BlockOptions,
): unknown {
  const block = finalBlocks(ledger).find((one) => one.slot === slot);
  if (!block)
    throw new Refusal(-32007, `Slot ${slot} was skipped, or missing due to ledger jump to recent snapshot`);
  const { blockHeight, blockhash, parentSlot, transactions } = block;
  const head = { blockHeight, blockTime: null, blockhash, parentSlot, previousBlockhash: blockhash };
  if (transactionDetails === 'none') return head;
  if (transactionDetails === 'signatures') {
    return { ...head, signatures: transactions.map(({ signature }) => signature) };
  }
  if (transactions.length > 0 && transactionVersion > maxSupportedTransactionVersion) {
    throw new Refusal(
      -32015,
      `Transaction version (${transactionVersion}) is not supported by the requesting client`,
    );
  }
  const shown = omits === 'transactions' ? [] : transactions;
  return {
    ...head,
    transactions: shown.map((one) => ({
      meta: metaAnswer(one, omits === 'token balances'),
      transaction: {
        accountKeys: one.accounts.map((pubkey) => ({
          pubkey,
          signer: false,
          source: 'transaction',
          writable: true,
        })),
        signatures: [one.signature],
      },
      version: transactionVersion,
    })),
  };
}

function metaAnswer({ balances, failed, fee, tokens }: MinedTransaction, isWithoutTokens = false): object {
  const [before, after] = tokens.map((list) => list.map(tokenAnswer));
  return {
    err: failed ? { InstructionError: [0, { Custom: 1 }] } : null,
    fee: Number(fee),
    preBalances: balances[0].map(Number),
    postBalances: balances[1].map(Number),
    ...(isWithoutTokens ? {} : { preTokenBalances: before, postTokenBalances: after }),
  };
}

function tokenAnswer({ accountIndex, amount, mint, owner, program }: TokenBalance): object {
  return {
    accountIndex,
    mint,
    owner,
    programId: program,
    uiTokenAmount: { amount: String(amount), decimals: 6, uiAmountString: String(Number(amount) / 1e6) },
  };
}

/** Everybody asks for what is final. */
function accountAnswer(ledger: SolanaLedger, owner: string): unknown {
  const found = ledger.finalAccount(owner);
  if (!found.exists) return null;
  const { data, lamports, programAddress } = found;
  const encoded = [Buffer.from(data).toString('base64'), 'base64'];
  return {
    data: encoded,
    executable: false,
    lamports: Number(lamports),
    owner: programAddress,
    space: data.length,
  };
}

function findMined(ledger: SolanaLedger, signature: string) {
  for (const block of ledger.blocks) {
    const transaction = block.transactions.find((one) => one.signature === signature);
    if (transaction) return { block, transaction };
  }
  return undefined;
}

function statusAnswer({ keepsHistory, ledger }: SolanaNode, signature: string): unknown {
  const found = keepsHistory ? findMined(ledger, signature) : undefined;
  if (!found) return null;
  const { slot } = found.block;
  const isFinal = slot <= ledger.final.slot;
  const { err } = metaAnswer(found.transaction) as { err: unknown };
  return {
    slot,
    confirmations: isFinal ? null : 1,
    err,
    confirmationStatus: isFinal ? 'finalized' : 'confirmed',
  };
}

function transactionAnswer({ hidesMovements, ledger }: SolanaNode, signature: string): unknown {
  const found = findMined(ledger, signature);
  if (!found || found.block.slot > ledger.final.slot) return null;
  return { slot: found.block.slot, meta: metaAnswer(found.transaction, hidesMovements), version: 0 };
}
