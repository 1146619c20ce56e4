import { checkAddress } from '../../chains/addresses.ts';
import { chainFamily, isChain } from '../../chains/registry.ts';
import { type ProofKey, proveReturn } from '../../custody/transfer-proof.ts';
import { ApiError, conflict, invalidRequest, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { findLiveTransfers, type LiveTransfer } from '../../resources/transfers/queries.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import { creditedCurrency } from '../deposits/credit.ts';
import { readUncredited, type StoredUncredited } from '../deposits/uncredited.ts';
import { otherActionOpen, requestAction } from './commands.ts';
import { findAddressIndex } from './nonce-fill.ts';
import { findLiveEnvironment, findPayment, listActionsOf, listAttempts } from './queries.ts';
import {
  type ActionOrder,
  actionId,
  checkReason,
  isOpen,
  isSameOrder,
  nonceSubject,
  returnPaymentId,
} from './state.ts';

/** What orders about deposits are made with. */
export interface OrderDeps {
  readonly pool: Pool;
  /** Proves returns to the signer. */
  readonly proofKey: () => ProofKey;
}

/** Who orders, and why. */
export interface Ordering {
  readonly reason: string;
  readonly by: string;
}

/** An order about a payment. `txHash` is what it was paid by; without one it is stated not to be paid. */
export type PaymentOrder =
  | { readonly kind: 'payment_bump' | 'payment_cancel' }
  | { readonly kind: 'payment_resolve'; readonly txHash: string | undefined };

/** An order about an uncredited deposit. */
export type DepositOrder =
  | {
      readonly kind: 'deposit_credit';
      readonly walletId?: string | undefined;
      /** For a token that is not configured: what the customer is credited, in minor units. */
      readonly amountMinor?: bigint | undefined;
      readonly currency?: string | undefined;
    }
  | { readonly kind: 'deposit_return'; readonly to: string }
  | { readonly kind: 'deposit_write_off' };

/**
 * Makes an order about a payment, after its rules are checked against the books. The worker checks it against the chain.
 *
 * @throws ApiError if the order breaks a rule
 */
export async function orderAboutPayment(
  pool: Pool,
  id: string,
  order: PaymentOrder,
  ordering: Ordering,
): Promise<Command<OperatorActionRow>> {
  const who = checked(ordering);
  const record = await findPayment(pool, id);
  const transfer = await findChainTransfer(pool, id);
  const chain = record?.chain ?? transfer?.destination_payment_rail;
  if (!chain || !isChain(chain)) throw new ApiError(notFound('payment'));
  const live = transfer ? undefined : await findLiveEnvironment(pool);
  const at = transfer
    ? { environmentId: transfer.environment_id, bucket: transfer.bucket }
    : live && { environmentId: live.current_id, bucket: live.bucket };
  if (!at) throw new ApiError(notFound('payment'));
  const common = { chain, subject: id, kind: order.kind, ...at };
  const repeated = await findRepeated(pool, common.subject, {
    kind: order.kind,
    parameters: parametersFor(order),
  });
  if (repeated) return repeat(repeated);
  refuse(refusePayment(order, record?.status, record?.kind, transfer, chain));
  const signed = order.kind === 'payment_bump' ? await listAttempts(pool, 'chain_attempts', id) : [];
  const parameters: Record<string, string> =
    order.kind === 'payment_bump' ? { attempts: String(signed.length) } : parametersFor(order);
  return numbered(pool, { ...common, parameters, ...who });
}

function parametersFor(order: PaymentOrder): Record<string, string> {
  if (order.kind !== 'payment_resolve') return {};
  return order.txHash === undefined ? { outcome: 'not_paid' } : { outcome: 'paid', txHash: order.txHash };
}

/** The rules of an order about a payment. */
function refusePayment(
  order: PaymentOrder,
  status: string | undefined,
  kind: string | undefined,
  transfer: LiveTransfer | undefined,
  chain: string,
): Refusal | undefined {
  const now = transfer?.status ?? status;
  if (transfer?.status === 'in_review') {
    return conflict(
      'transfer_in_review',
      'The transfer is in_review: approve, reject or cancel the transfer.',
    );
  }
  const isTransferOver = transfer && !['funds_received', 'payment_submitted'].includes(transfer.status);
  if (isTransferOver || status === 'completed' || (!transfer && status !== 'open')) {
    return conflict('payment_ended', `The payment has ended: it is ${now}.`);
  }
  if (order.kind === 'payment_bump') {
    if (isChain(chain) && chainFamily(chain) !== 'evm') {
      const rule = `A payment on ${chain} expires and is signed again; only payments on EVM chains are bumped.`;
      return conflict('payment_not_bumpable', rule);
    }
    if (status !== 'open')
      return conflict('payment_not_bumpable', 'The payment must be signed to be bumped.');
  }
  if (order.kind === 'payment_resolve' && order.txHash !== undefined) {
    if (kind !== undefined && kind !== 'transfer') {
      return conflict(
        'payment_not_resolvable',
        `Only payments of transfers are resolved as paid, not a ${kind}.`,
      );
    }
    if (!/^[!-~]{32,128}$/.test(order.txHash)) {
      const message = '`txHash` must be the id of a transaction on the chain of the payment.';
      return invalidRequest('tx_hash_invalid', message, [{ path: '/txHash', message }]);
    }
  }
  return undefined;
}

/** Finds a live transfer that is sent on a chain. */
async function findChainTransfer(pool: Pool, id: string): Promise<LiveTransfer | undefined> {
  if (!/^txn_[0-9a-z]{26}$/.test(id)) return undefined;
  const transfer = (await findLiveTransfers(pool, [id])).get(id);
  if (!transfer || !isChain(transfer.destination_payment_rail ?? '')) return undefined;
  const { environment_id: environmentId } = transfer;
  const environments = await findEnvironments(pool, [environmentId]);
  return environments.get(environmentId)?.kind === 'live' ? transfer : undefined;
}

/**
 * Makes an order about an uncredited deposit, after its rules are checked against the books.
 *
 * @throws ApiError if the order breaks a rule
 */
export async function orderAboutDeposit(
  deps: OrderDeps,
  id: string,
  order: DepositOrder,
  ordering: Ordering,
): Promise<Command<OperatorActionRow>> {
  const { pool } = deps;
  const who = checked(ordering);
  const chain = id.split(':')[0] ?? '';
  const stored = isChain(chain) ? await readUncredited(pool, chain, id) : undefined;
  if (!stored || !isChain(chain)) throw new ApiError(notFound('uncredited deposit'));
  const address = checkAddress(chain, stored.address);
  const owner = address.ok ? await findAddressIndex(pool, chain, address.address) : undefined;
  const named = order.kind === 'deposit_credit' ? order.walletId : undefined;
  const wallet = owner ?? (named === undefined ? undefined : await findWallet(pool, named));
  if (order.kind === 'deposit_credit') refuse(refuseCredit(order, stored, owner?.walletId, wallet?.walletId));
  else refuse(refuseEnd(order, stored));
  const parameters = await depositParameters(pool, chain, order, wallet?.walletId);
  const at = wallet
    ? { environmentId: wallet.environmentId, bucket: bucketOfId(wallet.walletId) }
    : await liveOrRefuse(pool);
  const draft = { chain, kind: order.kind, subject: id, parameters, ...at, ...who };
  const decided = (await listActionsOf(pool, id)).find(({ status }) => status === 'done');
  if (decided && !isSameOrder(decided, draft)) {
    throw new ApiError(
      conflict('deposit_decided', `The deposit was decided about already: ${decided.result}`),
    );
  }
  if (order.kind !== 'deposit_return') return numbered(pool, draft);
  const number = await numberOf(pool, draft);
  const madeAtMs = Date.now();
  const contract = checkAddress(chain, stored.token);
  const proof = proveReturn(deps.proofKey(), {
    ...{
      id: returnPaymentId({ id: actionId(id, number) }),
      chain,
      destination: parameters.to ?? '',
      madeAtMs,
    },
    contract: contract.ok ? contract.address : stored.token,
    amount: BigInt(stored.currency === null ? stored.amount : stored.received),
  });
  return requestAction({ ...draft, parameters: { ...parameters, proof } }, number);
}

async function depositParameters(
  pool: Pool,
  chain: Parameters<typeof checkAddress>[0],
  order: DepositOrder,
  walletId: string | undefined,
): Promise<Record<string, string>> {
  if (order.kind === 'deposit_write_off') return {};
  if (order.kind === 'deposit_return') {
    const checkedTo = checkAddress(chain, order.to);
    const path = '/to';
    if (!checkedTo.ok) {
      throw new ApiError(
        invalidRequest('invalid_address', checkedTo.fault, [{ path, message: checkedTo.fault }]),
      );
    }
    const { address: to } = checkedTo;
    if (await isOwnAddress(pool, chain, to)) {
      const message = '`to` must not be an address of this deployment.';
      throw new ApiError(invalidRequest('address_own', message, [{ path, message }]));
    }
    return { to };
  }
  const { amountMinor, currency } = order;
  return {
    walletId: walletId ?? '',
    ...(amountMinor === undefined ? {} : { amount: amountMinor.toString() }),
    ...(currency === undefined ? {} : { currency }),
  };
}

function refuseCredit(
  { amountMinor, currency }: DepositOrder & { kind: 'deposit_credit' },
  stored: StoredUncredited,
  ownerId: string | undefined,
  walletId: string | undefined,
): Refusal | undefined {
  if (walletId === undefined) {
    const message = '`walletId` must name a live wallet: the address belongs to none.';
    return invalidRequest('wallet_required', message, [{ path: '/walletId', message }]);
  }
  if (ownerId !== undefined && ownerId !== walletId) {
    return conflict(
      'wallet_differs',
      `The deposit must be credited to ${ownerId}, whose address received it.`,
    );
  }
  if (stored.currency !== null) {
    if (stored.received === '0') return conflict('nothing_received', 'Nothing of the deposit arrived.');
    if (BigInt(stored.received) > limits.amountMinor) {
      return invalidRequest('amount_too_large', 'The deposit exceeds the largest amount of a transaction.');
    }
    if (amountMinor === undefined && currency === undefined) return undefined;
    const message =
      '`amount` and `currency` must be left out: what arrived of a configured token is credited.';
    return invalidRequest('amount_not_allowed', message, [{ path: '/amount', message }]);
  }
  if (amountMinor === undefined || currency === undefined) {
    const message =
      '`amount` and `currency` are required: the token is not configured, and has no price here.';
    return invalidRequest('amount_required', message, [{ path: '/amount', message }]);
  }
  const isRight = amountMinor > 0n && amountMinor <= limits.amountMinor;
  if (isRight && creditedCurrency(currency as 'usdc') === currency) return undefined;
  const message = '`amount` must be positive, in a currency that wallets hold: usdc, pyusd or eurc.';
  return invalidRequest('credit_invalid', message, [{ path: '/amount', message }]);
}

function refuseEnd(order: DepositOrder, stored: StoredUncredited): Refusal | undefined {
  const isFunding = stored.reason === 'treasury_funding';
  if (order.kind === 'deposit_write_off') {
    if (!isFunding) return undefined;
    return conflict(
      'deposit_is_funding',
      "What was sent to the treasury is the house's own: credit or return it.",
    );
  }
  const amount = stored.currency === null ? stored.amount : stored.received;
  if (amount === '0') return conflict('nothing_received', 'Nothing of the deposit arrived.');
  return undefined;
}

/**
 * Makes an order to fill the gaps in the nonces of an address.
 *
 * @param address the treasury's or a deposit address; the treasury's if omitted
 * @throws ApiError if the order breaks a rule
 */
export async function orderNonceFill(
  pool: Pool,
  chain: string,
  address: string | undefined,
  ordering: Ordering,
): Promise<Command<OperatorActionRow>> {
  const who = checked(ordering);
  if (!isChain(chain) || chainFamily(chain) !== 'evm') {
    const message = '`chain` must be an EVM chain: only these have nonces.';
    throw new ApiError(invalidRequest('chain_without_nonces', message, [{ path: '/chain', message }]));
  }
  const sender = address ?? (await findTreasury(pool, chain));
  const checkedSender = checkAddress(chain, sender ?? '');
  const isOwn = checkedSender.ok && (await isOwnAddress(pool, chain, checkedSender.address));
  if (!checkedSender.ok || !isOwn) {
    const message =
      '`sender` must be the treasury or a deposit address on a chain that a server has followed.';
    throw new ApiError(invalidRequest('address_not_own', message, [{ path: '/sender', message }]));
  }
  const subject = nonceSubject(chain, checkedSender.address);
  const parameters = { sender: checkedSender.address };
  const at = await liveOrRefuse(pool);
  return numbered(pool, { chain, kind: 'nonce_fill', subject, parameters, ...at, ...who });
}

/** Submits an order. @throws ApiError if another operator's order about the same came first */
export async function submitOrder(
  writer: Writer,
  make: () => Promise<Command<OperatorActionRow>>,
): Promise<OperatorActionRow> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await writer.submit(await make());
    if (outcome.kind === 'accepted') return outcome.result;
    const isLost = outcome.kind === 'refused' && outcome.refusal.reason === 'action_open';
    // Another operator was faster: it may be the same order.
    if (outcome.kind === 'refused' && (!isLost || tries === limits.orderTries)) {
      throw new ApiError(outcome.refusal);
    }
  }
}

/** An order that has been carried out before is not made again: the action is returned as it is. */
async function findRepeated(
  pool: Pool,
  subject: string,
  order: Pick<ActionOrder, 'kind' | 'parameters'>,
): Promise<OperatorActionRow | undefined> {
  if (order.kind === 'payment_bump') return undefined;
  return (await listActionsOf(pool, subject)).find((row) => row.status === 'done' && isSameOrder(row, order));
}

function repeat(row: OperatorActionRow): Command<OperatorActionRow> {
  const { bucket, environment_id: environmentId, id } = row;
  return {
    name: 'repeat_operator_action',
    environmentId,
    bucket,
    reads: () => [{ table: 'operator_actions', bucket, id }],
    decide: (state) => ({ result: state.get('operator_actions', id) ?? row }),
  };
}

async function numbered(pool: Pool, order: ActionOrder): Promise<Command<OperatorActionRow>> {
  return requestAction(order, await numberOf(pool, order));
}

/** The number of an order: that of the same one if it is open or done, otherwise the next. @throws ApiError if another is open */
async function numberOf(pool: Pool, order: ActionOrder): Promise<number> {
  const actions = await listActionsOf(pool, order.subject);
  const isRepeatable = order.kind === 'payment_bump' || order.kind === 'nonce_fill';
  const same = actions.findLast(
    (row) => isSameOrder(row, order) && (isOpen(row) || (row.status === 'done' && !isRepeatable)),
  );
  if (same) return same.number;
  const last = actions.at(-1);
  if (last && isOpen(last)) throw new ApiError(otherActionOpen(order.subject));
  if (actions.length < limits.actionsPerSubject) return actions.length + 1;
  const rule = `There must be at most ${limits.actionsPerSubject} orders about ${order.subject}.`;
  throw new ApiError(conflict('too_many_orders', rule));
}

function checked({ by, reason: text }: Ordering): { readonly reason: string; readonly by: string } {
  const reason = checkReason(text);
  if ('refusal' in reason) throw new ApiError(reason.refusal);
  return { reason: reason.reason, by };
}

function refuse(refusal: Refusal | undefined): void {
  if (refusal) throw new ApiError(refusal);
}

async function liveOrRefuse(pool: Pool) {
  const live = await findLiveEnvironment(pool);
  if (!live) throw new ApiError(conflict('no_live_environment', 'The deployment has no live environment.'));
  return { environmentId: live.current_id, bucket: live.bucket };
}

async function findWallet(pool: Pool, id: string) {
  if (!/^wal_[0-9a-z]{26}$/.test(id)) return undefined;
  const { rows } = await pool.query<{ environment_id: string }>(
    `select w.environment_id from wallets w join environments e on e.current_id = w.environment_id and e.kind = 'live'
      where w.bucket = $1 and w.id = $2`,
    [bucketOfId(id), id],
  );
  return rows[0] && { walletId: id, environmentId: rows[0].environment_id };
}

async function findTreasury(pool: Pool, chain: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ treasury: string | null }>(
    'select treasury from chain_cursors where chain = $1',
    [chain],
  );
  return rows[0]?.treasury ?? undefined;
}

async function isOwnAddress(pool: Pool, chain: string, address: string): Promise<boolean> {
  if ((await findTreasury(pool, chain)) === address) return true;
  return (await findAddressIndex(pool, chain, address)) !== undefined;
}
