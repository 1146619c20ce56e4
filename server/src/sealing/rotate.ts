import { limits } from '../platform/limits.ts';
import { type AuthenticatedTableName, authenticatedTables } from '../store/authenticated-rows.ts';
import { createCustomerSalts } from '../store/customer-salts.ts';
import type { Pool } from '../store/pool.ts';
import { sealedColumns } from './columns.ts';
import { countOldMacs, remacTable } from './remac.ts';
import { countOld, type Resealing, resealColumn } from './reseal.ts';

/** A step of a rotation: it writes one kind of value again under the current master key. It can be repeated. */
export interface RotationStep {
  /** What the step writes, e.g. `customers.personal`. */
  readonly name: string;
  /** How many values are left. */
  count(): Promise<number>;
  /** @returns how many values were written */
  run(onRows: (count: number) => void): Promise<number>;
}

/** All steps of a rotation of the master key. */
export function rotationSteps({ pool, vault }: Omit<Resealing, 'salts'>): RotationStep[] {
  const salts = createCustomerSalts(pool);
  const resealing: Resealing = { pool, salts, vault: vault.withSalts(salts) };
  const columns = sealedColumns.map((column) => ({
    name: `${column.table}.${column.column}`,
    count: () => countOld(resealing, column),
    run: (onRows: (count: number) => void) => resealColumn(resealing, column, onRows),
  }));
  const macs = (Object.keys(authenticatedTables) as AuthenticatedTableName[]).map((table) => ({
    name: `${table}.mac`,
    count: () => countOldMacs(resealing, table),
    run: (onRows: (count: number) => void) => remacTable(resealing, table, onRows),
  }));
  return [...columns, ...macs];
}

/** A server continues to seal under another key than the current one. */
export class RotationNotFollowedError extends Error {
  override readonly name = 'RotationNotFollowedError';
}

/**
 * Writes all values again under the current master key, while servers run. After an interruption the next run continues with
 * what is left.
 *
 * Lanes cache rows and may write old values back: after each pass their caches are invalidated. Passes are repeated until one
 * finds nothing to write.
 *
 * @returns how many values were written
 * @throws RotationNotFollowedError when values are still sealed under another key after `limits.rotationPasses` passes
 */
export async function rotate(
  pool: Pool,
  steps: readonly RotationStep[],
  onRows: (name: string, count: number) => void,
): Promise<number> {
  let total = 0;
  for (let pass = 0; pass < limits.rotationPasses; pass += 1) {
    let written = 0;
    for (const step of steps) written += await step.run((count) => onRows(step.name, count));
    if (written === 0) return total;
    total += written;
    // As after a lost connection (`LaneStore.fence`): a lane whose head has moved drops its cache.
    await pool.query('update lane_heads set seq = seq + 1');
  }
  throw new RotationNotFollowedError('Values are still being sealed under another master key.');
}
