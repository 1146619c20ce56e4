import { blockingReasonOf } from '../../chains/errors.ts';
import type { FollowDeps } from '../payments/follow.ts';
import { creditDeposit, writeOffDeposit } from './deposits.ts';
import { fillNonces } from './nonce-fill.ts';
import { type ActionHandler, bumpPayment, cancelPayment, resolvePayment } from './payments.ts';
import { listOpenActions } from './queries.ts';
import { returnDeposit } from './returns.ts';
import type { ActionKind } from './state.ts';

const handlers: Readonly<Record<ActionKind, ActionHandler>> = {
  payment_bump: bumpPayment,
  payment_cancel: cancelPayment,
  payment_resolve: resolvePayment,
  deposit_credit: creditDeposit,
  deposit_return: returnDeposit,
  deposit_write_off: writeOffDeposit,
  nonce_fill: fillNonces,
};

/**
 * Carries the orders of operators about a chain out, one step of each. Every step is stored before the next one begins, and each can be
 * taken again: a process that ends between any two, or another one at work on the same order, does nothing twice.
 *
 * @param maySign whether anything of the chain may be signed
 * @param note receives why an order waits
 */
export async function carryOutOrders(
  deps: FollowDeps,
  maySign: boolean,
  note: (subject: string, text: string) => void,
): Promise<void> {
  const { chain } = deps.port;
  for (const action of await listOpenActions(deps.pool, chain)) {
    // The other orders reserve nothing before the sender of the chain has said that it may sign.
    if (!maySign && action.kind === 'nonce_fill') {
      note(action.subject, 'Payments of the chain are held.');
      continue;
    }
    const step = handlers[action.kind](deps, action);
    // An order that cannot be carried out must not hold up the others.
    const blockedBy = await step.catch((error) => blockingReasonOf(error, action.subject));
    if (blockedBy) note(action.subject, blockedBy.text);
  }
}
