import { conflict, type Refusal } from '../../platform/errors.ts';
import type { WalletRow } from '../../store/rows.ts';

/** The currencies that a wallet can hold. USDT is converted when it arrives. */
export const heldCurrencies = ['usdc', 'pyusd', 'eurc'] as const;

export type HeldCurrency = (typeof heldCurrencies)[number];

/**
 * Why a wallet may not change to a status.
 *
 * @param isEmpty whether nothing is in it or on its way out of it
 * @returns undefined when it may
 */
export function refuseStatus(
  wallet: Pick<WalletRow, 'status'>,
  status: WalletRow['status'],
  isEmpty: boolean,
): Refusal | undefined {
  if (wallet.status === 'closed' && status !== 'closed') {
    return conflict('wallet_closed', 'A closed wallet cannot be opened again; create a new one.');
  }
  if (status === 'closed' && !isEmpty) {
    return conflict('wallet_not_empty', 'Only an empty wallet can be closed: move its money out first.');
  }
  return undefined;
}
