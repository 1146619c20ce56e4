import type { AccountRef, Stripe } from '../../ledger/accounts.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { conflict, type Refusal } from '../../platform/errors.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type EventDraft,
  type RowRef,
  type RowWrite,
  type State,
} from '../../writer/command.ts';
import { type ActionOrder, actionId, isOpen, isSameOrder } from './state.ts';

/**
 * Records an order as the action of this number. The same order again is the same action.
 *
 * @param number one more than that of the subject's last action, or that of an action which is the same order
 */
export function requestAction(order: ActionOrder, number: number): Command<OperatorActionRow> {
  const { bucket, environmentId, subject } = order;
  const id = actionId(subject, number);
  const beforeId = actionId(subject, number - 1);
  const reads: RowRef[] = [{ table: 'operator_actions', bucket, id }];
  if (number > 1) reads.push({ table: 'operator_actions', bucket, id: beforeId });
  return {
    name: 'request_operator_action',
    environmentId,
    bucket,
    reads: () => reads,
    decide(state, context) {
      const row = state.get('operator_actions', id);
      if (row && isSameOrder(row, order)) return { result: row };
      const before = number > 1 ? state.get('operator_actions', beforeId) : undefined;
      if (row || (number > 1 && (!before || isOpen(before)))) return { refusal: otherActionOpen(subject) };
      const made = newAction(order, number, context);
      return { result: made, writes: [{ table: 'operator_actions', row: made }] };
    },
  };
}

/** The refusal of an order while another one about the same subject has not ended. */
export function otherActionOpen(subject: string): Refusal {
  return conflict('action_open', `Another order about ${subject} must end first.`);
}

function newAction(order: ActionOrder, number: number, { now }: DecideContext): OperatorActionRow {
  const { bucket, by, chain, environmentId, kind, parameters, reason, subject } = order;
  return {
    bucket,
    id: actionId(subject, number),
    environment_id: environmentId,
    chain,
    kind,
    subject,
    number,
    parameters: JSON.stringify(parameters),
    reason,
    requested_by: by,
    status: 'requested',
    result: null,
    currency: null,
    booked_minor: null,
    created_at: now,
    updated_at: now,
  };
}

/** What changes in an action as it is carried out. */
export type ActionChange = Pick<OperatorActionRow, 'status'> &
  Partial<Pick<OperatorActionRow, 'result' | 'currency' | 'booked_minor'>>;

/** What a step of an action changes beside the action, in the same statement. */
export interface StepEffects {
  readonly writes?: readonly RowWrite[];
  readonly journals?: readonly JournalDraft[];
  readonly events?: readonly EventDraft[];
}

/** What a step of an action reads beside the action, and what it does. */
export interface ActionStep {
  accounts?(stripe: Stripe): readonly AccountRef[];
  readonly reads?: readonly RowRef[];
  decide(
    row: OperatorActionRow,
    context: DecideContext,
    state: State,
  ): (StepEffects & { readonly change: ActionChange }) | { readonly refusal: Refusal };
}

/** Takes the next step of an action. Refused without effect if it is not in the status `from`. */
export function stepAction(
  action: Pick<OperatorActionRow, 'bucket' | 'environment_id' | 'id'>,
  from: OperatorActionRow['status'],
  step: ActionStep,
): Command<OperatorActionRow> {
  const { bucket, environment_id: environmentId, id } = action;
  return {
    name: 'step_operator_action',
    environmentId,
    bucket,
    reads: (stripe) => [
      { table: 'operator_actions', bucket, id },
      ...(step.reads ?? []),
      ...accountReads(step.accounts?.(stripe) ?? []),
    ],
    decide(state, context): Decision<OperatorActionRow> {
      const row = state.get('operator_actions', id);
      if (row?.status !== from) return { refusal: conflict('not_due', 'The action has moved on already.') };
      const decided = step.decide(row, context, state);
      if ('refusal' in decided) return decided;
      const next = { ...row, ...decided.change, updated_at: context.now };
      return {
        result: next,
        writes: [...(decided.writes ?? []), { table: 'operator_actions', row: next }],
        journals: decided.journals ?? [],
        events: decided.events ?? [],
      };
    },
  };
}

/** Changes the status of an action and nothing else. */
export function moveAction(
  action: OperatorActionRow,
  status: OperatorActionRow['status'],
  result: string | null,
): Command<OperatorActionRow> {
  return stepAction(action, action.status, { decide: () => ({ change: { status, result } }) });
}
