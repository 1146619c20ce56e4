import { createHash } from 'node:crypto';
import { type Chain, chainFamily } from '../../chains/registry.ts';
import { type FaultDetail, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';

/** The rules of operator actions, without I/O. */

export type ActionKind = OperatorActionRow['kind'];

/** What an operator orders. The worker of the chain carries it out. */
export interface ActionOrder {
  readonly chain: string;
  readonly kind: ActionKind;
  /** The payment, the uncredited deposit, or `nonces:<chain>:<address>`. */
  readonly subject: string;
  readonly environmentId: string;
  readonly bucket: number;
  /** What the order says beside its kind, in the order in which it is compared. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly reason: string;
  /** Who orders it: the name of a user of the operating system, or the id of an API key. */
  readonly by: string;
}

/** Whether an action has not ended. */
export function isOpen({ status }: Pick<OperatorActionRow, 'status'>): boolean {
  return status === 'requested' || status === 'accepted';
}

/** The parameters of an action that take no part in comparisons: they differ each time an order is made. */
const unstable = new Set(['proof']);

/** Whether an action is what an order asks for. The reason may differ. */
export function isSameOrder(
  row: Pick<OperatorActionRow, 'kind' | 'parameters'>,
  order: Pick<ActionOrder, 'kind' | 'parameters'>,
): boolean {
  return row.kind === order.kind && comparable(JSON.parse(row.parameters)) === comparable(order.parameters);
}

function comparable(parameters: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(parameters).filter(([name]) => !unstable.has(name)));
}

/** The id of an action. */
export function actionId(subject: string, number: number): string {
  return `${subject}:${number}`;
}

/** The parameters of an action. */
export function parametersOf(row: OperatorActionRow): Readonly<Record<string, string | undefined>> {
  return JSON.parse(row.parameters) as Record<string, string>;
}

/** The id of the payment that returns a deposit: short enough to be a signer's reference, and one for each action. */
export function returnPaymentId(action: Pick<OperatorActionRow, 'id'>): string {
  return `return:${createHash('sha256').update(action.id).digest('hex').slice(0, 32)}`;
}

/** The subject of orders about the nonces of an address. */
export function nonceSubject(chain: string, sender: string): string {
  return `nonces:${chain}:${sender}`;
}

/** @returns the reason of an order without surrounding spaces, or why it is invalid */
export function checkReason(text: string): { readonly reason: string } | { readonly refusal: Refusal } {
  const reason = text.trim();
  const isRight = reason !== '' && reason.length <= limits.shortTextLength && reason.isWellFormed();
  if (isRight) return { reason };
  const message = `\`reason\` must have 1 to ${limits.shortTextLength} characters.`;
  const detail: FaultDetail = { path: '/reason', message };
  return { refusal: invalidRequest('reason_required', message, [detail]) };
}

/** Whether a nonce lets only one of several transactions take effect; on other chains transactions expire. */
export function hasNonces(chain: Chain): boolean {
  return chainFamily(chain) === 'evm';
}
