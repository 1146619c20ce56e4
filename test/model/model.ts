/**
 * A second, minimal implementation of wallets, deposits and transfers of USDC in the sandbox: plain objects and arithmetic,
 * without any code of the server. Amounts are integers in millionths.
 */

export type TransferStatus =
  | 'in_review'
  | 'funds_received'
  | 'payment_submitted'
  | 'completed'
  | 'failed'
  | 'refunded';

/** The expected outcome of a request: success, or the status and reason of the refusal. */
export type Expected = { readonly status: 200 } | { readonly status: 400 | 409; readonly reason: string };

export interface ModelTransfer {
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  status: TransferStatus;
  /** The types and statuses of its events, in order. */
  readonly events: string[];
}

/** One wallet of an approved customer. */
export interface ModelWallet {
  status: 'active' | 'frozen' | 'closed';
  availableMinor: bigint;
  inTransitMinor: bigint;
  readonly events: string[];
  readonly transfers: ModelTransfer[];
}

const ok: Expected = { status: 200 };
const refuse = (status: 400 | 409, reason: string): Expected => ({ status, reason });
const ends: readonly TransferStatus[] = ['completed', 'failed', 'refunded'];

export function newModelWallet(): ModelWallet {
  return {
    status: 'active',
    availableMinor: 0n,
    inTransitMinor: 0n,
    events: ['wallet.created'],
    transfers: [],
  };
}

export function depositInto(wallet: ModelWallet, amountMinor: bigint): Expected {
  if (wallet.status === 'closed') return refuse(409, 'wallet_closed');
  wallet.availableMinor += amountMinor;
  return ok;
}

export function setStatus(wallet: ModelWallet, status: ModelWallet['status']): Expected {
  if (wallet.status === 'closed' && status !== 'closed') return refuse(409, 'wallet_closed');
  const isEmpty = wallet.availableMinor === 0n && wallet.inTransitMinor === 0n;
  if (status === 'closed' && !isEmpty) return refuse(409, 'wallet_not_empty');
  if (wallet.status !== status) wallet.events.push('wallet.updated');
  wallet.status = status;
  return ok;
}

/** The fee is three thousandths of the amount, rounded up. */
export function transferOut(wallet: ModelWallet, amountMinor: bigint): Expected {
  const feeMinor = (amountMinor * 3n + 999n) / 1000n;
  if (feeMinor >= amountMinor) return refuse(400, 'amount_too_small');
  if (wallet.status !== 'active') return refuse(409, `wallet_${wallet.status}`);
  if (wallet.availableMinor < amountMinor) return refuse(400, 'insufficient_funds');
  wallet.availableMinor -= amountMinor;
  wallet.inTransitMinor += amountMinor;
  const events = ['transaction.created in_review'];
  wallet.transfers.push({ amountMinor, feeMinor, status: 'in_review', events });
  return ok;
}

export function cancel(wallet: ModelWallet, transfer: ModelTransfer): Expected {
  if (transfer.status !== 'in_review') return refuse(409, 'transfer_not_cancelable');
  enter(wallet, transfer, 'failed');
  return ok;
}

const usualPath: readonly TransferStatus[] = [
  'in_review',
  'funds_received',
  'payment_submitted',
  'completed',
];

/** Moves a transfer to the target status, or to its usual next status, through all statuses in between. */
export function advance(
  wallet: ModelWallet,
  transfer: ModelTransfer,
  target: TransferStatus | undefined,
): Expected {
  const path = pathOf(transfer.status, target);
  if (!path) return refuse(409, 'transition_not_allowed');
  for (const status of path) enter(wallet, transfer, status);
  return ok;
}

function pathOf(from: TransferStatus, target: TransferStatus | undefined): TransferStatus[] | undefined {
  if (from === 'failed') return target === undefined || target === 'refunded' ? ['refunded'] : undefined;
  if (from === 'completed' || from === 'refunded') return undefined;
  if (target === 'failed') return ['failed'];
  if (target === 'refunded') return ['failed', 'refunded'];
  const at = usualPath.indexOf(from);
  const to = target === undefined ? at + 1 : usualPath.indexOf(target);
  return to > at ? usualPath.slice(at + 1, to + 1) : undefined;
}

function enter(wallet: ModelWallet, transfer: ModelTransfer, status: TransferStatus): void {
  transfer.status = status;
  transfer.events.push(`transaction.updated ${status}`);
  if (ends.includes(status)) transfer.events.push(`transaction.completed ${status}`);
  if (status === 'completed' || status === 'failed') wallet.inTransitMinor -= transfer.amountMinor;
  if (status === 'failed') wallet.availableMinor += transfer.amountMinor;
}

/** An amount as the API prints it, with at least two decimals. */
export function printAmount(minor: bigint): string {
  const text = minor.toString().padStart(7, '0');
  return `${text.slice(0, -6)}.${text.slice(-6).replace(/0{1,4}$/, '')}`;
}
