import Type, { type Static } from 'typebox';
import { nullableText, nullableTime, oneOf, time } from '../http/schema.ts';
import { compileSerialiser } from '../http/serialise.ts';
import type { ListedDeposit, WaitingPayment } from '../onchain/operator/overview.ts';
import type { PaymentView } from '../onchain/operator/payment-view.ts';
import { limits } from '../platform/limits.ts';
import { currencyScale, formatAmount } from '../platform/money.ts';
import type { OperatorActionRow } from '../store/tables/chains.ts';

/** Shapes of the operator's routes. Bytes of transactions and proofs are in none of them. */

const reason = Type.String({
  minLength: 1,
  maxLength: limits.shortTextLength,
  description: 'Why you order it; kept with the order',
});

const because = 'Ticket 4711';

export const OrderBody = Type.Object({ reason }, { examples: [{ reason: because }] });
export type OrderBody = Static<typeof OrderBody>;

export const ResolveBody = Type.Object(
  {
    reason,
    outcome: oneOf(
      ['paid', 'not_paid'] as const,
      'What became of the payment; the nodes of the chain have to confirm it',
    ),
    txHash: Type.Optional(
      Type.String({
        maxLength: 128,
        description: "The treasury's transaction that paid it; required for `paid`",
      }),
    ),
  },
  { examples: [{ reason: because, outcome: 'not_paid' }] },
);
export type ResolveBody = Static<typeof ResolveBody>;

export const CreditBody = Type.Object(
  {
    reason,
    walletId: Type.Optional(Type.String({ maxLength: 64, description: 'For what was sent to the treasury' })),
    amount: Type.Optional(
      Type.String({ maxLength: 32, description: 'What is credited for a token that is not configured' }),
    ),
    currency: Type.Optional(Type.String({ maxLength: 16, description: 'The currency of `amount`' })),
  },
  { examples: [{ reason: because, amount: '25.00', currency: 'usdc' }] },
);
export type CreditBody = Static<typeof CreditBody>;

export const ReturnBody = Type.Object(
  {
    reason,
    to: Type.String({ maxLength: 128, description: "The address on the deposit's chain that it is sent to" }),
  },
  { examples: [{ reason: because, to: '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB' }] },
);
export type ReturnBody = Static<typeof ReturnBody>;

export const NonceFillBody = Type.Object(
  {
    reason,
    chain: Type.String({ maxLength: 32 }),
    sender: Type.Optional(
      Type.String({ maxLength: 64, description: "A deposit address; the treasury's if left out" }),
    ),
  },
  { examples: [{ reason: because, chain: 'base' }] },
);
export type NonceFillBody = Static<typeof NonceFillBody>;

const amount =
  'As a decimal in the currency; in the smallest units of the token or coin if `currency` is null';

const waitReason = nullableText('Why it waits');

export const TreasuryAction = Type.Object({
  id: Type.String(),
  chain: Type.String(),
  kind: Type.String(),
  subject: Type.String({ description: 'The payment or deposit that the order is about' }),
  status: oneOf(['requested', 'accepted', 'done', 'refused'] as const),
  result: nullableText('What became of it'),
  reason: Type.String(),
  by: Type.String({ description: 'The API key, or the user of the command line' }),
  createdAt: time(),
  updatedAt: time(),
});

export const TreasuryPayment = Type.Object({
  id: Type.String(),
  chain: Type.String(),
  kind: Type.String(),
  state: oneOf(['unsigned', 'sent'] as const),
  currency: nullableText(),
  amount: Type.String({ description: amount }),
  address: Type.String(),
  reason: waitReason,
  since: time(),
  order: nullableText('The order that is being carried out'),
});

const attempt = Type.Object({ txHash: Type.String(), terms: Type.String(), signedAt: time() });

export const TreasuryPaymentDetails = Type.Object({
  id: Type.String(),
  chain: Type.String(),
  kind: Type.String(),
  status: Type.String(),
  transferStatus: nullableText(),
  currency: nullableText(),
  amount: Type.String({ description: amount }),
  address: Type.String(),
  sender: nullableText(),
  sequence: nullableText('The nonce, or the slot in the send queue'),
  txHash: nullableText('The transaction that ended it'),
  reason: waitReason,
  since: nullableTime(),
  attempts: Type.Array(attempt),
  voids: Type.Array(attempt, { description: 'Transactions that use its nonce up, so that it cannot land' }),
  actions: Type.Array(TreasuryAction),
});

export const TreasuryDeposit = Type.Object({
  id: Type.String(),
  chain: Type.String(),
  reason: Type.String({ description: 'Why it was not credited' }),
  txHash: Type.String(),
  token: Type.String({ description: 'The contract or mint' }),
  currency: nullableText(),
  address: Type.String(),
  amount: Type.String({ description: amount }),
  received: Type.String({ description: 'What of it arrived and belongs to nobody' }),
  seenAt: time(),
  order: nullableText('The kind of the last order about it'),
  orderStatus: nullableText(),
  orderResult: nullableText(),
});

const serialiseAction = compileSerialiser<Static<typeof TreasuryAction>>(TreasuryAction);
const serialisePayment = compileSerialiser<Static<typeof TreasuryPayment>>(TreasuryPayment);
const serialiseDetails = compileSerialiser<Static<typeof TreasuryPaymentDetails>>(TreasuryPaymentDetails);
const serialiseDeposit = compileSerialiser<Static<typeof TreasuryDeposit>>(TreasuryDeposit);

/** The JSON text of an action. */
export function actionJson(row: OperatorActionRow): string {
  return serialiseAction(actionView(row));
}

function actionView(row: OperatorActionRow): Static<typeof TreasuryAction> {
  const { chain, created_at: createdAt, id, kind, requested_by: by, result, status, subject } = row;
  return {
    id,
    chain,
    kind,
    subject,
    status,
    result,
    reason: row.reason,
    by,
    createdAt,
    updatedAt: row.updated_at,
  };
}

/** The JSON text of a payment in the list. */
export function paymentJson(one: WaitingPayment): string {
  return serialisePayment({ ...one, amount: printUnits(one.amount, one.currency) });
}

/** The JSON text of a payment with all that the books have about it. */
export function paymentDetailsJson(view: PaymentView): string {
  const { actions, attempts, currency, voids } = view;
  return serialiseDetails({
    ...view,
    amount: printUnits(view.amount, currency),
    attempts: [...attempts],
    voids: [...voids],
    actions: actions.map(actionView),
  });
}

/** The JSON text of an uncredited deposit. */
export function depositJson(one: ListedDeposit): string {
  const { amount: announced, currency, received } = one;
  return serialiseDeposit({
    ...one,
    amount: printUnits(announced, currency),
    received: printUnits(received, currency),
  });
}

function printUnits(units: string, currency: string | null): string {
  return currency === null ? units : formatAmount(BigInt(units), currencyScale.usdc);
}
