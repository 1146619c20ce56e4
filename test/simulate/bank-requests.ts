import { createFiatDeposit } from '../../server/src/fiat/deposits/commands.ts';
import {
  createCounterparty,
  deactivateCounterparty,
} from '../../server/src/resources/counterparties/commands.ts';
import { createTransfer } from '../../server/src/resources/transfers/commands.ts';
import {
  createVirtualAccount,
  setVirtualAccountStatus,
} from '../../server/src/resources/virtual-accounts/commands.ts';
import type { CounterpartyRow } from '../../server/src/store/tables/customers.ts';
import type { VirtualAccountRow, WalletRow } from '../../server/src/store/tables/wallets.ts';
import type { Command } from '../../server/src/writer/command.ts';
import type { Random } from './random.ts';

/** Commands about fiat money: accounts that receive it, and payees that it is paid out to. */

const pesos = { currency: 'mxn', accountType: 'clabe', rail: 'spei' } as const;
const clabe = '032180000118359719';
const owner = { accountOwnerName: 'Ada Lovelace', accountOwnerType: 'individual' } as const;

/** About eighteen pesos for a dollar. */
const perDollar = { rate: '18.25', midRate: '18.5', isParity: false } as const;

/** The terms that a transfer is advanced with: sometimes there is no rate. */
export function drawMove(random: Random) {
  return { stepMs: 1000, conversion: random.chance(90) ? perDollar : undefined };
}

export function newPayee(environmentId: string, customerId: string): Command<string> {
  const body = { customerId, currency: pesos.currency, accountType: pesos.accountType, ...owner };
  return createCounterparty(environmentId, { ...body, clabe }, { type: 'clabe', clabe });
}

export function dropPayee(environmentId: string, { id }: CounterpartyRow): Command<string> {
  return deactivateCounterparty(environmentId, id);
}

export function newAccount(environmentId: string, { customer_id, id }: WalletRow): Command<string> {
  const body = { customerId: customer_id, sourceCurrency: 'usd' as const, walletId: id };
  return createVirtualAccount(environmentId, body, { walletId: id });
}

export function switchAccount(
  environmentId: string,
  { id }: VirtualAccountRow,
  random: Random,
): Command<string> {
  return setVirtualAccountStatus(environmentId, id, random.chance(70) ? 'active' : 'deactivated');
}

/** A deposit in dollars. It is returned if it cannot be credited. */
export function depositFrom(
  environmentId: string,
  account: VirtualAccountRow,
  random: Random,
): Command<string> {
  const sourceMinor = BigInt(100 + random.below(100_000));
  const feeMinor = 1n + sourceMinor / 100n;
  return createFiatDeposit(environmentId, account, {
    rail: 'ach',
    sourceMinor,
    feeMinor,
    creditedMinor: (sourceMinor - feeMinor) * 10_000n,
    conversion: { rate: '1', midRate: '1', isParity: true },
    senderName: random.chance(50) ? 'Grace Hopper' : undefined,
  });
}

/** A payout to a payee, in pesos. */
export function payoutFrom(
  environmentId: string,
  wallet: WalletRow,
  payee: CounterpartyRow,
  key: string,
  random: Random,
): Command<string> {
  const amountMinor = BigInt(10_000_000 + random.below(190_000_000));
  const feeMinor = 1n + amountMinor / 1000n;
  const body = {
    customerId: wallet.customer_id,
    walletId: wallet.id,
    amount: '1',
    destinationCurrency: pesos.currency,
    destinationPaymentRail: pesos.rail,
    destinationAddress: payee.id,
    clientReferenceId: key,
  };
  const terms = {
    kind: 'bank',
    amountMinor,
    feeMinor,
    currency: 'usdc',
    rail: pesos.rail,
    payoutCurrency: pesos.currency,
    counterpartyId: payee.id,
    expectedMinor: ((amountMinor - feeMinor) * 1825n) / 1_000_000n,
  } as const;
  return createTransfer(environmentId, body, terms, 1000);
}
