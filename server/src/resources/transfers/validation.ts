import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { currencyScale, formatAmount } from '../../platform/money.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { TransferAmount } from './request-amount.ts';

/**
 * Checks the wallet that a transfer is taken from. It must belong to the customer, be active, and hold the amount.
 *
 * @param wallet undefined if the environment has none by that id
 * @param availableMinor the available balance in the transfer's currency, in minor units
 * @returns undefined if the withdrawal is allowed
 */
export function refuseWithdrawal(
  wallet: WalletRow | undefined,
  customerId: string,
  availableMinor: bigint,
  { amountMinor, currency }: TransferAmount,
): Refusal | undefined {
  if (wallet?.customer_id !== customerId) {
    const message = '`walletId` must be a wallet of the customer.';
    return invalidRequest('wallet_not_found', message, [{ path: '/walletId', message }]);
  }
  if (wallet.status !== 'active') {
    return conflict(
      `wallet_${wallet.status}`,
      `The wallet is ${wallet.status}; it must be active to send money.`,
    );
  }
  if (availableMinor < amountMinor) {
    const available = formatAmount(availableMinor, currencyScale[currency]);
    const message = `\`amount\` must be at most the available balance of ${available} ${currency}.`;
    return invalidRequest('insufficient_funds', message, [{ path: '/amount', message }]);
  }
  return undefined;
}
