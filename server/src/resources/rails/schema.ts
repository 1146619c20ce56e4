import Type, { type Static } from 'typebox';
import { nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { currencyScale, formatAmount, multiplyRatio, type Ratio } from '../../platform/money.ts';
import { type AccountType, accountCurrencies, accountTypeNames } from '../../rails/account-types.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { type OwnerType, type Rail, railFacts, railNames } from '../../rails/rails.ts';
import { requiredFields } from '../../rails/required-fields.ts';
import { returnCodesOf } from '../../rails/return-codes.ts';
import { settlementOf, settlementTerms } from '../../rails/settlement.ts';
import { describeTraceId } from '../../rails/trace-ids.ts';

export const RailQuery = Type.Object({
  currency: Type.Optional(oneOf(accountCurrencies, 'Only rails that pay in this currency')),
  rail: Type.Optional(oneOf(railNames, 'Only this rail')),
});

const ReturnCode = Type.Object({
  code: Type.String({ description: 'What `returnCode` of a returned transfer is' }),
  reason: Type.String(),
  bankingDays: Type.Optional(
    Type.Integer({ description: 'How many banking days after settlement it comes at the latest' }),
  ),
  calendarDays: Type.Optional(Type.Integer({ description: 'The same in calendar days' })),
});

const RailTerms = Type.Object({
  rail: oneOf(railNames, 'What `destinationPaymentRail` of a transfer is'),
  currency: oneOf(accountCurrencies),
  accountType: oneOf(accountTypeNames, 'What a counterparty must be that the rail pays'),
  requiredFields: Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    additionalProperties: true,
    description:
      'JSON Schema of what creating such a counterparty needs beside `customerId` and `accountOwnerName`',
  }),
  reference: Type.Object({
    maxLength: Type.Integer({ description: 'In characters' }),
    pattern: Type.String({ description: 'Regular expression that a reference matches, as in JSON Schema' }),
    description: Type.String({ description: 'The same in words' }),
  }),
  minimum: Type.String({ description: 'The smallest payment, in `currency`' }),
  maximum: nullableText("The largest payment, in `currency`, to an individual's account; `null` for none"),
  businessMaximum: nullableText("The largest payment to a business's account"),
  fee: Type.String({ description: 'The part of a transfer that is kept as a fee' }),
  cutoff: nullableText(
    'Times of a banking day by which payments go out; `null` where the rail is always open',
  ),
  nextCutoffAt: nullableTime('The next of them'),
  nextSettlementAt: time('When a payment that is handed over now usually arrives'),
  usualTime: Type.String({ description: 'How long a payment usually takes' }),
  available24x7: Type.Boolean(),
  returnCodes: Type.Array(ReturnCode, { description: 'Why a payment comes back' }),
  traceId: Type.String({ description: 'What `traceId` of a transfer is made of' }),
});
type RailTerms = Static<typeof RailTerms>;

export const Rails = Type.Array(RailTerms);

/** A rail in one of its currencies. */
export interface RailOffer {
  readonly rail: Rail;
  readonly currency: FiatCode;
  readonly accountType: AccountType;
}

/** The decimals that the setting may have. */
const feeScale = 9;

/**
 * The JSON text of the rails: their required fields, limits, return codes and hours.
 *
 * @param fee the fee as a part of a transfer's amount
 * @param nowMs milliseconds since the Unix epoch, from which the next cut-offs and arrivals are computed
 */
export function railsJson(offers: readonly RailOffer[], fee: Ratio, nowMs: number): string {
  const printedFee = formatAmount(multiplyRatio(10n ** BigInt(feeScale), fee, 'up'), feeScale);
  return serialise(offers.map((offer) => railTerms(offer, printedFee, nowMs)));
}

const serialise = compileSerialiser<readonly RailTerms[]>(Rails);

function railTerms({ rail, currency, accountType }: RailOffer, fee: string, nowMs: number): RailTerms {
  const { maxMinor, minMinor, reference } = railFacts(rail);
  const { cutoff, isAlwaysOpen, usualTime } = settlementTerms(rail);
  const { cutoffAtMs, settlesAtMs } = settlementOf(rail, nowMs);
  const print = (minor: bigint): string => formatAmount(minor, currencyScale[currency]);
  const largest = (ownerType: OwnerType): string | null => {
    const max = maxMinor(currency, ownerType);
    return max === undefined ? null : print(max);
  };
  return {
    rail,
    currency,
    accountType,
    requiredFields: requiredFields(accountType, currency),
    reference,
    minimum: print(minMinor(currency)),
    maximum: largest('individual'),
    businessMaximum: largest('business'),
    fee,
    cutoff,
    nextCutoffAt: cutoffAtMs === null ? null : toIsoTime(cutoffAtMs),
    nextSettlementAt: toIsoTime(settlesAtMs),
    usualTime,
    available24x7: isAlwaysOpen,
    returnCodes: [...returnCodesOf(rail)],
    traceId: describeTraceId(rail),
  };
}
