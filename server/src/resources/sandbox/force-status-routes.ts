import Type, { type Static } from 'typebox';
import { type Route, writeRoute } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, conflict, notFound } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Currency } from '../../platform/money.ts';
import { conversionRate } from '../../rates/conversion.ts';
import type { RateProvider } from '../../rates/provider.ts';
import { forceStatus } from '../../simulator/force-status.ts';
import { findSandboxBooking } from '../../simulator/internal-transfers.ts';
import type { Db } from '../../store/database.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import type { Pool } from '../../store/pool.ts';
import type { Writer } from '../../writer/writer.ts';
import { findTransaction } from '../transactions/queries.ts';
import { Transaction, transactionStatuses } from '../transactions/schema.ts';

export interface ForceStatusDeps {
  readonly db: Db;
  readonly pool: Pool;
  readonly writer: Pick<Writer, 'isOneLane'>;
  readonly clocks: EnvironmentClocks;
  readonly rates: RateProvider;
  readonly sandboxStepMs: number;
}

const AdvanceTransactionBody = Type.Object(
  {
    status: Type.Optional(oneOf(transactionStatuses, 'The ordinary next one when left out')),
    returnCode: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.shortTextLength,
        description: 'It comes back with this code of its rail: `R03`, `AC04`, …',
      }),
    ),
  },
  { examples: [{}] },
);
type AdvanceTransactionBody = Static<typeof AdvanceTransactionBody>;

export function forceStatusRoute(deps: ForceStatusDeps): Route {
  const { clocks, db, rates, sandboxStepMs: stepMs } = deps;
  return writeRoute<AdvanceTransactionBody>({
    method: 'POST',
    path: '/v1/sandbox/transactions/{transactionId}/advance',
    operationId: 'advanceSandboxTransaction',
    tag: 'Sandbox',
    summary: 'Move a transaction on',
    description:
      'Takes a transfer to its next status immediately, or over every status on the way to the one that is named. With ' +
      '`returnCode` the bank of the beneficiary sends it back.',
    access: 'test',
    params: { transactionId: 'The transaction ID' },
    body: AdvanceTransactionBody,
    bodyOptional: true,
    okDescription: 'The transaction',
    data: { name: 'Transaction', schema: Transaction },
    async write({ body, caller, params: { transactionId = '' } }) {
      const { id } = caller.environment;
      const row = await findTransaction(db, id, transactionId);
      if (!row) throw new ApiError(notFound('transaction'));
      if (row.type === 'deposit') {
        throw new ApiError(conflict('transition_not_allowed', `The deposit is ${row.status}: it is final.`));
      }
      const [from, to] = [row.source_currency as Currency, row.destination_currency as Currency];
      const nowMs = clocks.nowIn(id);
      const conversion = conversionRate(rates, from, to, nowMs);
      const booking = await findSandboxBooking(deps, row, nowMs);
      return forceStatus(row, body, { stepMs, conversion }, booking);
    },
  });
}
