import { conflict, type Refusal } from '../../platform/errors.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';

/** The currencies that a wallet can hold. Deposits of USDT are converted. */
export const heldCurrencies = ['usdc', 'pyusd', 'eurc'] as const;

export type HeldCurrency = (typeof heldCurrencies)[number];

/**
 * Checks a change of a wallet's status.
 *
 * @param isEmpty whether every account of the wallet has a balance of zero
 * @returns undefined if the change is allowed
 */
export function refuseStatus(
  wallet: Pick<WalletRow, 'status'>,
  status: WalletRow['status'],
  isEmpty: boolean,
): Refusal | undefined {
  if (wallet.status === 'closed' && status !== 'closed') {
    return conflict('wallet_closed', 'A closed wallet cannot be reopened; create a new one.');
  }
  if (status === 'closed' && !isEmpty) {
    return conflict('wallet_not_empty', 'A wallet must be empty to be closed; move its money out first.');
  }
  return undefined;
}
