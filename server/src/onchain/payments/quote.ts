import type { BlockingReason } from '../../chains/errors.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import type { PaymentIntent, TransferProof } from '../../chains/signing.ts';
import type { Currency } from '../../platform/money.ts';
import { type Conversion, conversionFault, conversionRate, convertAtRate } from '../../rates/conversion.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { LiveTransfer } from '../../resources/transfers/queries.ts';
import { type TransferKey, transferCommand } from '../../resources/transfers/transfer-command.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import { notInStatus, withChange } from './commands.ts';

/** The payment of a transfer. */
export type TransferIntent = PaymentIntent & { readonly kind: 'transfer' };

/** What is paid for a transfer. */
export type Quote =
  | {
      readonly kind: 'payable';
      readonly intent: TransferIntent;
      /** The conversion that determines the amount; undefined if the amount has been fixed before, or is not converted. */
      readonly conversion: Conversion | undefined;
    }
  /** The converted amount is 0: the transfer must fail. */
  | { readonly kind: 'nothing_arrives' }
  | { readonly kind: 'blocked'; readonly blockedBy: BlockingReason };

/** Computes what is paid for a transfer, at the rate of `nowMs` if it is converted and its amount has not been fixed. */
export function quotePayment(transfer: LiveTransfer, rates: RateProvider | undefined, nowMs: number): Quote {
  const { destination_currency: to, net_minor: netMinor, source_currency: from } = transfer;
  if (to === from) return payable(transfer, netMinor, undefined);
  if (transfer.final_minor !== null) return payable(transfer, transfer.final_minor, undefined);
  const rate = rates && conversionRate(rates, from, to, nowMs);
  if (!rate) {
    const fault = rates ? conversionFault(rates, from, to, nowMs) : 'No source of rates is configured.';
    return {
      kind: 'blocked',
      blockedBy: { policy: 'retry', text: `There is no rate from ${from} to ${to}. ${fault}`.trim() },
    };
  }
  const conversion = convertAtRate(netMinor, from as Currency, to as Currency, rate);
  if (conversion.finalMinor === 0n) return { kind: 'nothing_arrives' };
  return payable(transfer, conversion.finalMinor, conversion);
}

function payable(transfer: LiveTransfer, amount: bigint, conversion: Conversion | undefined): Quote {
  const { destination_address: address, destination_currency: currency } = transfer;
  const proof = proofOf(transfer);
  const intent = { kind: 'transfer', currency: currency as Stablecoin, address, amount, proof } as const;
  return { kind: 'payable', intent, conversion };
}

/** The proof with which the signer pays a transfer. */
export function proofOf({ transfer_proof: text, wallet_id: walletId }: LiveTransfer): TransferProof {
  return { walletId, text };
}

/**
 * Fixes the amount of a quote in the transfer, before it is signed.
 *
 * @returns the intent with the fixed amount, which is the first one if the amount was fixed concurrently; undefined if the transfer
 *   has ended
 */
export async function fixQuote(
  writer: Writer,
  transfer: LiveTransfer,
  { conversion, intent }: Quote & { readonly kind: 'payable' },
): Promise<TransferIntent | undefined> {
  if (!conversion) return intent;
  const outcome = await writer.submit(fixConversion(transfer, conversion));
  return outcome.kind === 'accepted' ? { ...intent, amount: outcome.result } : undefined;
}

/**
 * Fixes the converted amount of a transfer permanently, because a payment has one amount.
 *
 * @returns the amount in minor units of the destination currency: the one fixed first, whatever the rate is now
 */
export function fixConversion(
  transfer: TransferKey & Pick<LiveTransfer, 'net_minor'>,
  conversion: Conversion,
): Command<bigint> {
  return transferCommand('price_transfer', transfer, ({ row }, context) => {
    if (row.final_minor !== null) return { result: row.final_minor };
    const isUnchanged = row.net_minor === transfer.net_minor;
    if (row.status !== 'funds_received' || !isUnchanged) return { refusal: notInStatus(row) };
    const change = {
      final_minor: conversion.finalMinor,
      exchange_rate: conversion.exchangeRate,
      exchange_fee_minor: conversion.exchangeFeeMinor,
    };
    return { result: conversion.finalMinor, ...withChange(row, change, context) };
  });
}
