import type { BlockingReason } from '../../chains/errors.ts';
import type { ChainPort, PreparedTerms } from '../../chains/port.ts';
import { firstIdAt } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import type { LiveTransfer } from '../../resources/transfers/queries.ts';
import type { Pool } from '../../store/pool.ts';
import type { OpenPayment } from './queries.ts';

/** What the transfers of one customer may still cost today, and whether a transfer was charged for what it creates. */
export interface CustomerBudget {
  /**
   * Reads what the customer of a transfer has spent today on a chain, in UTC. Open payments count with their maximum.
   *
   * @returns decides whether the transfer may be signed at these terms; a payment that it admits counts from then on
   */
  admissionOf(transfer: LiveTransfer): Promise<(prepared: PreparedTerms) => BlockingReason | undefined>;
}

/** Creates the budgets of a turn. @param open the open payments of the chain */
export function createCustomerBudget(
  pool: Pool,
  port: ChainPort,
  open: readonly OpenPayment[],
): CustomerBudget {
  const { config, sender } = port;
  const spent = new Map<string, bigint>();
  const costs = new Map(
    open.map(({ attempts, id, intent }) => {
      const newest = attempts.at(-1);
      return [id, newest ? sender.costOf(intent, newest.terms).native : 0n];
    }),
  );
  return {
    async admissionOf(transfer) {
      const { account_fee_minor: accountFee, customer_id: customerId, id } = transfer;
      const before = spent.get(customerId) ?? (await readSpent(pool, port, transfer, costs));
      spent.set(customerId, before);
      return ({ cost, createsAccount }) => {
        if (createsAccount && accountFee === 0n) return accountIsGone;
        if (before + cost.native > config.signing.nativePerCustomer) {
          const text = `The transfer ${id} waits: with it, transfers of ${customerId} may cost more than signing.nativePerCustomer today.`;
          return { policy: 'retry', text };
        }
        spent.set(customerId, before + cost.native);
        return undefined;
      };
    },
  };
}

/** The account existed when the transfer was accepted. Creating it again for nothing would pay its owner for closing it. */
const accountIsGone: BlockingReason = {
  policy: 'refuse',
  text: 'The token account of the destination was closed after the transfer was accepted.',
  clientText:
    'The token account of the destination was closed after the transfer was accepted. A new transfer includes its cost.',
};

async function readSpent(
  pool: Pool,
  port: ChainPort,
  { bucket, customer_id: customerId }: LiveTransfer,
  costs: ReadonlyMap<string, bigint>,
): Promise<bigint> {
  const { rows } = await pool.query<{ id: string; status: string; fee: string | null }>({
    name: 'native_spent_by_customer',
    text: `select p.id, p.status, p.fee_native::text as fee
      from transactions t join chain_payments p on p.id = t.id and p.chain = $1
      where t.bucket = $2 and t.customer_id = $3 and t.id >= $4 and t.type = 'transfer'
        and (p.status = 'open' or (p.status in ('completed', 'failed') and p.updated_at >= date_trunc('day', now(), 'utc')))`,
    values: [port.chain, bucket, customerId, firstIdAt('txn', Date.now() - limits.customerBudgetMs)],
  });
  return rows.reduce(
    (sum, { fee, id, status }) => sum + (status === 'open' ? (costs.get(id) ?? 0n) : BigInt(fee ?? 0)),
    0n,
  );
}
