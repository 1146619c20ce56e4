import type { PaymentIntent } from '../chains/port.ts';
import type { Stablecoin } from '../chains/registry.ts';
import type { Currency } from '../platform/money.ts';
import { conversionRate } from '../rates/conversion.ts';
import type { RateProvider } from '../rates/provider.ts';
import { nothingArrives } from '../resources/transfers/moves.ts';
import { failTransfer, priceTransfer } from '../resources/transfers/on-chain.ts';
import type { LiveTransfer } from '../resources/transfers/queries.ts';
import { payoutMinor } from '../resources/transfers/terms.ts';
import type { Writer } from '../writer/writer.ts';

/** What is going to be paid for a transfer. */
export type TransferIntent = PaymentIntent & { readonly kind: 'transfer' };

/** What fixing the price of a transfer needs. */
interface PriceDeps {
  readonly writer: Writer;
  readonly rates: RateProvider | undefined;
}

/**
 * What is sent for a transfer, if the treasury has it. What is converted gets its rate here, in the moment before it is
 * signed, and keeps it.
 *
 * @param held what the treasury can still pay, in minor units
 * @returns otherwise what keeps it waiting, in words; nothing when the transfer has ended
 */
export async function priceForSending(
  deps: PriceDeps,
  transfer: LiveTransfer,
  held: ReadonlyMap<Stablecoin, bigint>,
): Promise<{ readonly intent: TransferIntent } | { readonly note: string | undefined }> {
  const currency = transfer.destination_currency as Stablecoin;
  const intentOf = (amount: bigint) =>
    ({ kind: 'transfer', currency, address: transfer.destination_address, amount }) as const;
  const canPay = (amount: bigint): boolean => (held.get(currency) ?? 0n) >= amount;
  const tooLittle = { note: `The treasury has too little ${currency}.` };
  const known = currency === transfer.source_currency ? transfer.net_minor : transfer.final_minor;
  if (known !== null) return canPay(known) ? { intent: intentOf(known) } : tooLittle;
  const source = transfer.source_currency as Currency;
  const rate = deps.rates && conversionRate(deps.rates, source, currency, Date.now());
  if (!rate) return { note: `There is no rate from ${source} to ${currency}.` };
  const money = { amountMinor: transfer.amount_minor, feeMinor: transfer.fee_minor, currency: source };
  const expected = payoutMinor(money, currency, rate);
  if (!canPay(expected)) return tooLittle;
  if (expected === 0n) {
    await deps.writer.submit(failTransfer(transfer, 'funds_received', nothingArrives));
    return { note: undefined };
  }
  const outcome = await deps.writer.submit(priceTransfer(transfer, rate));
  // Refused: another process has ended it.
  return outcome.kind === 'accepted' ? { intent: intentOf(outcome.result) } : { note: undefined };
}
