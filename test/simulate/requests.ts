import { hash } from 'node:crypto';
import { errorStatus } from '../../server/src/platform/errors.ts';
import { createWallet, updateWallet } from '../../server/src/resources/crypto-wallets/commands.ts';
import {
  createCustomer,
  decideCustomerKyc,
  revokeLinks,
} from '../../server/src/resources/customers/commands.ts';
import { eraseCustomer } from '../../server/src/resources/customers/erase-commands.ts';
import { updateCustomer } from '../../server/src/resources/customers/update-commands.ts';
import { cancelTransfer, createTransfer } from '../../server/src/resources/transfers/commands.ts';
import { advanceDueTransfer } from '../../server/src/simulator/commands.ts';
import { createCryptoDeposit } from '../../server/src/simulator/crypto-deposits.ts';
import { forceStatus } from '../../server/src/simulator/force-status.ts';
import type { CounterpartyRow, CustomerRow } from '../../server/src/store/tables/customers.ts';
import type { TransactionRow } from '../../server/src/store/tables/transactions.ts';
import type { VirtualAccountRow, WalletRow } from '../../server/src/store/tables/wallets.ts';
import type { Answering, Command } from '../../server/src/writer/command.ts';
import { address } from '../support/factories.ts';
import {
  depositFrom,
  drawMove,
  dropPayee,
  newAccount,
  newPayee,
  payoutFrom,
  switchAccount,
} from './bank-requests.ts';
import { bookingOf, drawAddress, drawCredit } from './internal-requests.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Random } from './random.ts';

const environmentId = 'env_simulated';
const stepMs = 1000;
const ended = new Set(['completed', 'failed', 'returned', 'refunded']);

/** A request of a client or a worker. It can be sent more than once. */
export interface Request {
  readonly command: Command<unknown>;
  readonly answering: Answering<unknown> | undefined;
  /** The command of a repetition, where the server makes a different one (a wallet gets other addresses). */
  again?(number: number): Command<unknown>;
}

/** Draws a request about rows of the store. `number` makes its key unique. */
export function drawRequest(store: MemoryStore, random: Random, number: number): Request {
  const key = `key-${number}`;
  const customers = store.rows('customers') as unknown as CustomerRow[];
  const wallets = store.rows('wallets') as unknown as WalletRow[];
  const transfers = (store.rows('transactions') as unknown as TransactionRow[]).filter(
    ({ type }) => type === 'transfer',
  );
  const kind = random.below(100);
  if (customers.length < 3 || kind < 2) {
    const person = { email: `${key}@example.com`, firstName: 'Ada', lastName: 'Lovelace' };
    return keyed('customer', key, createCustomer(environmentId, person, key, 0));
  }
  const customer = random.pick(customers);
  if (customer.kyc_status !== 'approved')
    return keyed('kyc', key, decideCustomerKyc(environmentId, customer.id, 'approved', []));
  if (wallets.length < 4 || kind < 4) {
    const make = (index: number): Command<unknown> => {
      const addresses = [{ chain: 'solana' as const, address: `address ${index}` }];
      return createWallet(environmentId, customer.id, { index, addresses }) as Command<unknown>;
    };
    return { command: make(number), answering: answeringOf('wallet', key, 'body'), again: make };
  }
  const wallet = random.pick(wallets);
  if (kind < 5) return keyed('links', key, revokeLinks(environmentId, customer.id));
  if (kind < 6) return keyed('erase', key, eraseOf(store, customer));
  if (kind < 8) {
    const status = random.chance(75) ? 'active' : 'suspended';
    return keyed('standing', key, updateCustomer(environmentId, customer.id, { status }));
  }
  if (kind < 13) {
    const status = random.pick(['active', 'active', 'active', 'frozen', 'frozen', 'closed'] as const);
    return keyed('status', key, updateWallet(environmentId, wallet.id, status));
  }
  // Few transfers are in transit between lanes at any moment: their worker is quick.
  const credit = random.chance(20) ? drawCredit(store, random) : undefined;
  if (credit) return { command: credit as Command<unknown>, answering: undefined };
  const banking = kind < 40 ? drawBanking(store, random, wallet, key) : undefined;
  if (banking) return banking;
  if (kind < 43) return keyed('make_deposit', key, depositTo(wallet, random));
  if (kind < 60 || transfers.length === 0)
    return keyed('make_transfer', key, transferFrom(store, wallet, key, random));
  return drawMovement(store, random.pick(transfers), random, key, kind);
}

/** A request about banks; undefined while the store has nothing for one. */
function drawBanking(
  store: MemoryStore,
  random: Random,
  wallet: WalletRow,
  key: string,
): Request | undefined {
  const accounts = store.rows('virtual_accounts') as unknown as VirtualAccountRow[];
  const payees = (store.rows('counterparties') as unknown as CounterpartyRow[]).filter(
    ({ customer_id: customerId }) => customerId === wallet.customer_id,
  );
  const kind = random.below(27);
  if (kind < 2 || payees.length === 0)
    return keyed('payee', key, newPayee(environmentId, wallet.customer_id));
  const payee = random.pick(payees);
  if (kind === 2) return keyed('payee_gone', key, dropPayee(environmentId, payee));
  if (kind < 12) {
    return keyed('make_payout', key, payoutFrom(environmentId, wallet, payee, key, random));
  }
  if (kind < 13 || accounts.length === 0) return keyed('account', key, newAccount(environmentId, wallet));
  const account = random.pick(accounts);
  if (kind === 13) return keyed('account_status', key, switchAccount(environmentId, account, random));
  if (kind < 21) return keyed('make_fiat', key, depositFrom(environmentId, account, random));
  return undefined;
}

function drawMovement(
  store: MemoryStore,
  transfer: TransactionRow,
  random: Random,
  key: string,
  kind: number,
): Request {
  const terms = drawMove(random);
  const booking = bookingOf(store, random, transfer);
  if (kind < 75) return { command: advanceDueTransfer(transfer, terms, booking), answering: undefined };
  if (kind < 80) return keyed('cancel', key, cancelTransfer(transfer, terms));
  const wanted = [undefined, 'completed', 'failed', 'refunded', 'payment_processed', 'returned'] as const;
  const status = random.pick(wanted);
  return keyed('force_status', key, forceStatus(transfer, status ? { status } : {}, terms, booking));
}

/** An erasure with the facts that a server would read now. Until it is decided, they may have changed. */
function eraseOf(store: MemoryStore, { id }: CustomerRow): Command<string> {
  const transactions = store.rows('transactions') as unknown as TransactionRow[];
  const own = transactions.filter((row) => row.customer_id === id);
  const facts = {
    openTransactions: own.filter(({ status }) => !ended.has(status)).length,
    lastTransactionAt: null,
    readUpToId: '',
  };
  const order = { by: 'key_simulated', reason: null, isForced: false, retentionYears: 0 };
  return eraseCustomer(environmentId, id, facts, order);
}

function depositTo(wallet: WalletRow, random: Random): Command<string> {
  const amountMinor = BigInt(1 + random.below(500_000_000));
  const isUsdt = random.chance(30);
  return createCryptoDeposit(environmentId, wallet.id, {
    chain: 'solana',
    sourceCurrency: isUsdt ? 'usdt' : 'usdc',
    sourceMinor: amountMinor,
    creditedCurrency: 'usdc',
    creditedMinor: isUsdt ? (amountMinor * 999n) / 1000n + 1n : amountMinor,
    exchangeRate: isUsdt ? '0.999' : null,
  });
}

function transferFrom(store: MemoryStore, wallet: WalletRow, key: string, random: Random): Command<string> {
  const to = (random.chance(50) ? drawAddress(store, random) : undefined) ?? address.solana;
  const amountMinor = BigInt(3 + random.below(200_000_000));
  const sentCurrency = random.chance(25) ? 'usdt' : 'usdc';
  const body = {
    customerId: wallet.customer_id,
    walletId: wallet.id,
    amount: '1',
    destinationCurrency: sentCurrency,
    destinationPaymentRail: 'solana',
    destinationAddress: to,
    clientReferenceId: key,
  };
  const feeMinor = random.chance(20) ? 0n : 1n + amountMinor / 1000n;
  const terms = {
    kind: 'chain',
    amountMinor,
    feeMinor,
    mostMinor: amountMinor - feeMinor,
    currency: 'usdc',
    chain: 'solana',
    address: to,
    sentCurrency,
  } as const;
  return createTransfer(environmentId, body, terms, stepMs);
}

function keyed(route: string, key: string, command: Command<string>): Request {
  return { command: command as Command<unknown>, answering: answeringOf(route, key, 'body') };
}

/** The idempotency key of a request with this body. */
export function answeringOf(route: string, key: string, body: string): Answering<unknown> {
  return {
    claim: { key, route, requestHash: hash('sha256', body, 'buffer') as Buffer },
    sensitive: false,
    render: (outcome) =>
      'refusal' in outcome
        ? { status: errorStatus[outcome.refusal.code], body: outcome.refusal.reason }
        : { status: 200, body: `{"data":${outcome.result}}` },
  };
}
