import { chainLoss, custody } from '../../ledger/accounts.ts';
import { treasuryOutflowFlow } from '../../ledger/flows.ts';
import { bucketOfId, idOfText } from '../../platform/ids.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { EnvironmentRow } from '../../store/tables/access.ts';
import type { TreasuryOutflowRow } from '../../store/tables/chains.ts';
import { accountReads, type Command } from '../../writer/command.ts';

/** Tokens that left the treasury without a transfer, and who books them as lost, and why. */
export type BookedOutflow = Pick<
  TreasuryOutflowRow,
  'chain' | 'tx_hash' | 'currency' | 'amount_minor' | 'address' | 'reason' | 'booked_by'
>;

/** The id of a movement's booking: the same movement is never booked twice. */
export function outflowId(chain: string, movement: string): string {
  return idOfText('out', `${chain} ${movement}`);
}

/** Books an outflow as a loss of the house. Does nothing if it is booked already. */
export function bookOutflow(environmentId: string, id: string, outflow: BookedOutflow): Command<string> {
  const bucket = bucketOfId(id);
  const { amount_minor: amountMinor, chain, currency } = outflow;
  return {
    name: 'book_treasury_outflow',
    environmentId,
    bucket,
    reads: (stripe) => [
      { table: 'treasury_outflows', bucket, id },
      ...accountReads([custody(stripe, chain, currency), chainLoss(stripe, currency)]),
    ],
    decide(state, context) {
      if (state.get('treasury_outflows', id)) return { result: id };
      const row = { ...outflow, bucket, id, environment_id: environmentId, created_at: context.now };
      return {
        result: id,
        writes: [{ table: 'treasury_outflows', row }],
        journals: [treasuryOutflowFlow(context, { outflowId: id, chain, currency, amountMinor })],
      };
    },
  };
}

/** The live environment whose books take what no customer is concerned by: the first one. */
export async function findLiveEnvironment(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<EnvironmentRow & Record<string, unknown>>(
    `select ${authenticatedColumns('environments')} from environments t where t.kind = 'live' order by t.created_at, t.id`,
  );
  return rows.find((row) => pool.guard.admits('environments', row))?.current_id;
}
