import { bucketOfId } from '../platform/ids.ts';
import { erasedValue } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import { type SealedColumn, sealedColumns } from './columns.ts';

/** Up to 16 customers who were erased and whose sealed values have not been overwritten yet. */
export async function listUnscrubbed(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from customer_erasures where scrubbed_at is null order by id limit 16',
  );
  return rows.map(({ id }) => id);
}

/**
 * Overwrites the sealed values of an erased customer, whose key is destroyed already. It covers values that were not sealed under
 * the customer's key, and leaves nothing that a salt from an old backup could open. It can be repeated.
 */
export async function scrubCustomer(pool: Pool, customerId: string, now: string): Promise<void> {
  const values = [bucketOfId(customerId), customerId];
  // Rows that may repeat the data come first: the events identify them.
  await pool.query(
    `update deliveries d set response_body = null from events e
      where e.bucket = $1 and e.customer_id = $2 and e.data like 'sealed.%' and d.event_id = e.id
        and d.response_body is not null`,
    values,
  );
  await pool.query(
    `delete from delivery_queue q using events e
      where e.bucket = $1 and e.customer_id = $2 and e.data like 'sealed.%' and q.event_id = e.id`,
    values,
  );
  for (const column of sealedColumns) {
    const text = scrubText(column);
    if (text !== undefined) await pool.query(text, values);
  }
  await pool.query('update customer_erasures set scrubbed_at = $3 where bucket = $1 and id = $2', [
    ...values,
    now,
  ]);
}

/** @returns undefined for a column whose rows do not name a customer */
function scrubText({ column, customer, join, table }: SealedColumn): string | undefined {
  if (customer.startsWith('null')) return undefined;
  if (join !== undefined) {
    return `delete from ${table} where bucket = $1 and id in (select t.id from ${table} t ${join}
      where t.bucket = $1 and ${customer} = $2)`;
  }
  return `update ${table} t set ${column} = '${erasedValue}'
    where t.bucket = $1 and ${customer} = $2 and t.${column} like 'sealed.%' and t.${column} <> '${erasedValue}'`;
}
