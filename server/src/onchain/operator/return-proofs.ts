import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import type { OpenPayment } from '../payments/queries.ts';
import { parametersOf, returnPaymentId } from './state.ts';

/** Adds the proof of a return, which is stored with the action. */
export function withReturnProof(payment: OpenPayment, proof: string | undefined): OpenPayment {
  const { intent } = payment;
  return intent.kind === 'deposit_return' ? { ...payment, intent: { ...intent, proof } } : payment;
}

/** Finds the proof of the return that a payment makes. */
export async function findReturnProof(pool: Pool, paymentId: string): Promise<string | undefined> {
  const { rows } = await pool.query<OperatorActionRow & Record<string, unknown>>(
    `select ${authenticatedColumns('operator_actions')} from operator_actions t
      where t.kind = 'deposit_return' and t.status = 'accepted'`,
  );
  const action = rows.find((row) => returnPaymentId(row) === paymentId);
  return action && pool.guard.admits('operator_actions', action) ? parametersOf(action).proof : undefined;
}
