import type { ChainConfig } from '../../chains/config.ts';
import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import type { Notice, NoticeReason } from '../cursor.ts';
import type { AddressBook, AddressOwner } from './watched-addresses.ts';

/** A transfer to a customer, of a token that is listed. */
export interface Arrival extends AddressOwner {
  readonly id: string;
  readonly currency: Stablecoin;
  readonly transfer: SeenTransfer;
}

/** What a range of blocks has brought. */
export interface Sorted {
  readonly arrivals: readonly Arrival[];
  readonly notices: readonly Notice[];
}

/**
 * Tells what is to be credited from what is only to be shown to the operator. What we move ourselves is neither.
 *
 * @param book whose addresses are whose; what is nobody's is the house's own
 */
export function sortTransfers(
  config: ChainConfig,
  book: Pick<AddressBook, 'ownerOf'>,
  treasury: string,
  transfers: readonly SeenTransfer[],
): Sorted {
  const arrivals: Arrival[] = [];
  const notices: Notice[] = [];
  for (const transfer of transfers) {
    const id = transferId(config.chain, transfer);
    const owner = book.ownerOf(transfer.to);
    const reason = reasonFor(config, transfer, owner);
    if (reason === 'treasury_funding' && book.ownerOf(transfer.from)) continue;
    if (reason !== undefined) notices.push({ id, reason, transfer, receivedMinor: broughtBy(transfer) });
    else if (owner && transfer.currency)
      arrivals.push({ id, ...owner, currency: transfer.currency, transfer });
  }
  return { arrivals, notices };

  function reasonFor(
    { minDepositMinor }: ChainConfig,
    { amount, currency, to }: SeenTransfer,
    owner: AddressOwner | undefined,
  ): NoticeReason | undefined {
    if (amount === 0n) return 'zero_value';
    if (currency === undefined) return 'unlisted_token';
    if (!owner) return to === treasury ? 'treasury_funding' : 'unlisted_token';
    if (amount > limits.amountMinor) return 'too_large';
    return amount < minDepositMinor ? 'below_minimum' : undefined;
  }
}

/** What a transfer that is not credited brings of our tokens, by the word of the issuer's contract. */
function broughtBy({ amount, currency }: SeenTransfer): bigint {
  return currency === undefined ? 0n : amount;
}

/** What a transfer is known by: the same wherever its transaction is mined. */
export function transferId(chain: Chain, { currency, ordinal, to, token, txHash }: SeenTransfer): string {
  return `${chain}:${txHash}:${currency ?? token}:${to}:${ordinal}`;
}

/**
 * Shares what has really arrived among the transfers that claim it, in their order.
 *
 * @param receivedMinor for all of them together
 * @returns what each of them has brought; 0 for those that brought nothing
 */
export function shareReceived(claimed: readonly bigint[], receivedMinor: bigint): bigint[] {
  let left = receivedMinor > 0n ? receivedMinor : 0n;
  return claimed.map((amount) => {
    const share = amount < left ? amount : left;
    left -= share;
    return share;
  });
}
