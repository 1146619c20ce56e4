import type { ChainConfig } from '../../chains/config.ts';
import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import type { UncreditedDeposit, UncreditedReason } from './uncredited.ts';
import type { AddressBook, AddressOwner } from './watched-addresses.ts';

/** A transfer of a configured token to a wallet. */
export interface Arrival extends AddressOwner {
  readonly id: string;
  readonly currency: Stablecoin;
  readonly transfer: SeenTransfer;
}

/** The transfers of a range of blocks, by what happens to them. */
export interface ClassifiedTransfers {
  /** To be credited. */
  readonly arrivals: readonly Arrival[];
  /** Shown to the operator only. */
  readonly uncredited: readonly UncreditedDeposit[];
}

/**
 * Separates the transfers that are credited from those that only the operator sees. Sweeps are neither.
 *
 * @param book the owners of addresses; a watched address without an owner is the treasury
 */
export function classifyTransfers(
  config: ChainConfig,
  book: Pick<AddressBook, 'ownerOf'>,
  treasury: string,
  transfers: readonly SeenTransfer[],
): ClassifiedTransfers {
  const arrivals: Arrival[] = [];
  const uncredited: UncreditedDeposit[] = [];
  for (const transfer of transfers) {
    if (transfer.isOutgoing) continue;
    const id = transferId(config.chain, transfer);
    const owner = book.ownerOf(transfer.to);
    const reason = uncreditedReason(config, transfer, owner, treasury);
    if (reason === 'treasury_funding' && book.ownerOf(transfer.from)) continue;
    if (reason !== undefined) {
      // The issuer's own contract reports the amount of a configured token.
      const receivedMinor = transfer.currency === undefined ? 0n : transfer.amount;
      uncredited.push({ id, reason, transfer, receivedMinor });
    } else if (owner && transfer.currency) {
      arrivals.push({ id, ...owner, currency: transfer.currency, transfer });
    }
  }
  return { arrivals, uncredited };
}

/** Why a transfer is not credited; undefined if it is. */
function uncreditedReason(
  { minDepositMinor }: ChainConfig,
  { amount, currency, to }: SeenTransfer,
  owner: AddressOwner | undefined,
  treasury: string,
): UncreditedReason | undefined {
  if (amount === 0n) return 'zero_value';
  if (currency === undefined) return 'unlisted_token';
  if (!owner) return to === treasury ? 'treasury_funding' : 'unlisted_token';
  if (amount > limits.amountMinor) return 'too_large';
  return amount < minDepositMinor ? 'below_minimum' : undefined;
}

/** The id of a transfer; the same in whichever block its transaction is. */
export function transferId(chain: Chain, { currency, ordinal, to, token, txHash }: SeenTransfer): string {
  return `${chain}:${txHash}:${currency ?? token}:${to}:${ordinal}`;
}

/**
 * Distributes the measured amount over the transfers that claim it, in their order.
 *
 * @param receivedMinor the sum that was received
 * @returns the amount of each transfer; 0 for those that transferred nothing
 */
export function shareReceived(claimed: readonly bigint[], receivedMinor: bigint): bigint[] {
  let left = receivedMinor > 0n ? receivedMinor : 0n;
  return claimed.map((amount) => {
    const share = amount < left ? amount : left;
    left -= share;
    return share;
  });
}
