import Type, { type Static } from 'typebox';
import { nullableText, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';
import { unlessErased, type Vault } from '../../platform/seal.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { VirtualAccountRow } from '../../store/tables/wallets.ts';
import { Transaction, transactionView } from '../transactions/schema.ts';

export const sourceCurrencies = ['usd', 'eur', 'gbp', 'mxn', 'brl'] as const;
const statuses = ['active', 'deactivated'] as const;

const id = { minLength: 1, maxLength: limits.shortTextLength };

export const CreateVirtualAccountBody = Type.Object({
  customerId: Type.String({ ...id, description: 'Whose account it is' }),
  sourceCurrency: oneOf(sourceCurrencies, 'What is paid in'),
  walletId: Type.Optional(
    Type.String({ ...id, description: 'The wallet it pays into; one of its own is made when left out' }),
  ),
});
export type CreateVirtualAccountBody = Static<typeof CreateVirtualAccountBody>;

const text = (description: string) => Type.Optional(Type.String({ description }));

const DepositInstructions = Type.Object(
  {
    bank_name: text('All but `brl`'),
    account_holder_name: Type.String(),
    account_number: text('`usd`, `gbp`'),
    routing_number: text('`usd`: the ABA number'),
    bank_address: text('`usd`'),
    payment_rails: Type.Optional(Type.Array(Type.String(), { description: '`usd`: how it can be paid in' })),
    iban: text('`eur`'),
    bic: text('`eur`'),
    sort_code: text('`gbp`'),
    clabe: text('`mxn`'),
    br_code: text('`brl`: the text of a PIX QR code'),
  },
  { description: 'How to pay in. Which fields there are depends on the currency.' },
);

export const VirtualAccount = Type.Object({
  id: Type.String(),
  customerId: Type.String(),
  walletId: Type.String(),
  sourceCurrency: oneOf(sourceCurrencies),
  status: oneOf(statuses),
  depositInstructions: DepositInstructions,
  createdAt: time(),
  updatedAt: time(),
});

export const VirtualAccountBalance = Type.Object({
  virtualAccountId: Type.String(),
  balance: Type.String({ description: "What the wallet's available money is worth in the source currency" }),
  currency: oneOf(sourceCurrencies),
  exchangeRate: nullableText('Units of the source currency for one USDC; null for `usd`'),
});

export const VirtualAccountHistoryEntry = Type.Object({
  ...Transaction.properties,
  senderName: nullableText('Who sent it, as their bank said'),
});

const serialise = compileSerialiser<Static<typeof VirtualAccount>>(VirtualAccount);
const serialiseEntry =
  compileSerialiser<Static<typeof VirtualAccountHistoryEntry>>(VirtualAccountHistoryEntry);

/** A virtual account's balance as JSON text. */
export const balanceJson = compileSerialiser<Static<typeof VirtualAccountBalance>>(VirtualAccountBalance);

/** The seal context of a virtual account's deposit instructions. */
export function instructionsContext(virtualAccountId: string): string {
  return `virtual_accounts.deposit_instructions:${virtualAccountId}`;
}

/** The seal context of the name of a deposit's sender. */
export function senderContext(transactionId: string): string {
  return `transactions.sender_name:${transactionId}`;
}

function openInstructions(row: VirtualAccountRow, vault: Vault): Static<typeof DepositInstructions> {
  const open = () => JSON.parse(vault.open(row.deposit_instructions, instructionsContext(row.id)));
  return unlessErased(open, { account_holder_name: 'erased' });
}

/** The JSON text of a virtual account. */
export function virtualAccountJson(row: VirtualAccountRow, vault: Vault): string {
  return serialise({
    id: row.id,
    customerId: row.customer_id,
    walletId: row.wallet_id,
    sourceCurrency: row.source_currency,
    status: row.status,
    depositInstructions: openInstructions(row, vault),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

/** The JSON text of a deposit in the history of a virtual account. */
export function historyEntryJson(row: TransactionRow, vault: Vault): string {
  const { id: transactionId, sender_name: sealed } = row;
  const senderName =
    sealed === null ? null : unlessErased(() => vault.open(sealed, senderContext(transactionId)), null);
  return serialiseEntry({ ...transactionView(row), senderName });
}
