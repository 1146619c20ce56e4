import type { PaymentIntent } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import type { TransferProof } from '../../custody/intent.ts';
import type { Currency } from '../../platform/money.ts';
import { type ConversionRate, conversionRate } from '../../rates/conversion.ts';
import type { RateProvider } from '../../rates/provider.ts';
import { payoutMinor } from '../../resources/transfers/pricing.ts';
import type { LiveTransfer } from '../../resources/transfers/queries.ts';
import { nothingArrives } from '../../resources/transfers/transition.ts';
import type { Writer } from '../../writer/writer.ts';
import { failTransfer, priceTransfer } from './commands.ts';

/** What is going to be paid for a transfer. */
export type TransferIntent = PaymentIntent & { readonly kind: 'transfer' };

/** What fixing the price of a transfer needs. */
interface PriceDeps {
  readonly writer: Writer;
  readonly rates: RateProvider | undefined;
}

/**
 * Why a transfer cannot be sent now, in words.
 *
 * @param held what the treasury can still pay, in minor units
 * @returns undefined when it can
 */
export function obstacleTo(
  transfer: LiveTransfer,
  held: ReadonlyMap<Stablecoin, bigint>,
  rates: RateProvider | undefined,
): string | undefined {
  const { destination_currency: currency, source_currency: source } = transfer;
  const amount = fixedAmount(transfer) ?? expectedAmount(transfer, rateOf(transfer, rates));
  if (amount === undefined) return `There is no rate from ${source} to ${currency}.`;
  const canPay = (held.get(currency as Stablecoin) ?? 0n) >= amount;
  return canPay ? undefined : `The treasury has too little ${currency}.`;
}

/**
 * What is sent for a transfer. What is converted gets its rate here, in the moment before it is signed, and keeps it.
 *
 * @returns undefined when nothing is to be sent: it has ended, or there is no rate any more
 */
export async function priceForSending(
  { rates, writer }: PriceDeps,
  transfer: LiveTransfer,
): Promise<TransferIntent | undefined> {
  const currency = transfer.destination_currency as Stablecoin;
  const intentOf = (amount: bigint): TransferIntent => ({
    kind: 'transfer',
    currency,
    address: transfer.destination_address,
    amount,
    proof: proofOf(transfer),
  });
  const fixed = fixedAmount(transfer);
  if (fixed !== undefined) return intentOf(fixed);
  const rate = rateOf(transfer, rates);
  if (!rate) return undefined;
  if (expectedAmount(transfer, rate) === 0n) {
    await writer.submit(failTransfer(transfer, 'funds_received', nothingArrives));
    return undefined;
  }
  const outcome = await writer.submit(priceTransfer(transfer, rate));
  return outcome.kind === 'accepted' ? intentOf(outcome.result) : undefined;
}

/** What lets the signer pay it. */
export function proofOf({ transfer_proof: text, wallet_id: walletId }: LiveTransfer): TransferProof {
  return { walletId, text };
}

function fixedAmount(transfer: LiveTransfer): bigint | undefined {
  const isConverted = transfer.destination_currency !== transfer.source_currency;
  return isConverted ? (transfer.final_minor ?? undefined) : transfer.net_minor;
}

function rateOf(
  { destination_currency: to, source_currency: from }: LiveTransfer,
  rates: RateProvider | undefined,
): ConversionRate | undefined {
  return rates && conversionRate(rates, from, to, Date.now());
}

function expectedAmount(transfer: LiveTransfer, rate: ConversionRate | undefined): bigint | undefined {
  if (!rate) return undefined;
  const { amount_minor: amountMinor, destination_currency: to, fee_minor: feeMinor } = transfer;
  const money = { amountMinor, feeMinor, currency: transfer.source_currency as Currency };
  return payoutMinor(money, to as Currency, rate);
}
