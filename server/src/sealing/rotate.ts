import { limits } from '../platform/limits.ts';
import { type AuthenticatedTableName, authenticatedTables } from '../store/authenticated-rows.ts';
import { createCustomerSalts } from '../store/customer-salts.ts';
import type { Pool } from '../store/pool.ts';
import { sealedColumns } from './columns.ts';
import { countOldMacs, remacTable } from './remac.ts';
import { countOld, type Resealing, resealColumn } from './reseal.ts';

/** One kind of what a rotation writes anew under the current master key. Doing so again finds only what is left. */
export interface RotationStep {
  /** What it writes, e.g. `customers.personal`. */
  readonly name: string;
  /** How many are left. */
  count(): Promise<number>;
  /** @returns how many were written */
  run(onRows: (count: number) => void): Promise<number>;
}

/** Everything that a rotation of the master key writes anew. */
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

/** A server goes on sealing under another key than the one that is current. */
export class RotationNotFollowedError extends Error {
  override readonly name = 'RotationNotFollowedError';
}

/**
 * Writes everything anew under the current master key, while servers run. A kill loses nothing: the next run goes on with
 * what is left.
 *
 * Lanes keep rows, and write them again with what they knew: after each pass they are made to forget them, and there is
 * another pass until one finds nothing.
 *
 * @returns how many values were written
 * @throws RotationNotFollowedError when passes keep finding values under another key
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
    // As after a lost connection (`LaneStore.fence`): a lane whose head has moved forgets what it keeps.
    await pool.query('update lane_heads set seq = seq + 1');
  }
  throw new RotationNotFollowedError('Values are still being sealed under another master key.');
}
