import { bucketOfId } from '../platform/ids.ts';
import { sealedCustomer } from '../platform/seal.ts';
import type { IdempotencyKeyRow } from '../store/tables/lanes.ts';
import { customerOf, type TableName, tableNamed } from '../store/tables.ts';
import type { Submission } from './batch.ts';
import { keyName } from './idempotency.ts';
import { isForged, type KeptRows } from './kept-rows.ts';
import type { WantedRows } from './lane-reads.ts';
import type { LaneStore } from './lane-store.ts';

/**
 * Loads the rows that the commands read and that are not cached yet, with one statement per table. Rows that do not exist are
 * cached as missing.
 */
export async function loadRows(
  store: LaneStore,
  submissions: readonly Submission[],
  lane: number,
  kept: KeptRows,
): Promise<void> {
  for (const [table, wanted] of missingRows(submissions, lane, kept))
    await loadInto(store, table, wanted, kept);
  const owners = submissions.flatMap(({ reads }) =>
    reads.map(({ id, table }) => {
      const row = kept.get(table, id);
      return row ? customerOf(table, row) : undefined;
    }),
  );
  await loadCustomers(store, owners, kept);
}

async function loadInto(
  store: LaneStore,
  table: TableName,
  wanted: WantedRows,
  kept: KeptRows,
): Promise<void> {
  const { key } = tableNamed(table);
  const rows = await store.loadRows(table, wanted);
  for (const id of wanted.ids) kept.set(table, id, null);
  for (const row of rows) kept.set(table, row[key] as string, row);
}

/** Loads the customers whose keys open the rows, unless the commands read them already. */
async function loadCustomers(
  store: LaneStore,
  customerIds: readonly (string | undefined)[],
  kept: KeptRows,
): Promise<void> {
  const missing = new Set<string>();
  for (const id of customerIds) {
    if (id !== undefined && kept.get('customers', id) === undefined) missing.add(id);
  }
  if (missing.size === 0) return;
  const ids = [...missing];
  await loadInto(store, 'customers', { buckets: ids.map(bucketOfId), ids }, kept);
}

function missingRows(
  submissions: readonly Submission[],
  lane: number,
  kept: KeptRows,
): Map<TableName, WantedRows> {
  const missing = new Map<TableName, WantedRows>();
  const seen = new Set<string>();
  const want = (table: TableName, bucket: number, id: string): void => {
    const known = kept.get(table, id);
    // A row that was not authentic is loaded again each time: the operator may have repaired it.
    if (known !== undefined && !isForged(known)) return;
    const name = `${table}/${id}`;
    if (seen.has(name)) return;
    seen.add(name);
    const wanted = missing.get(table) ?? { buckets: [], ids: [] };
    wanted.buckets.push(bucket);
    wanted.ids.push(id);
    missing.set(table, wanted);
  };
  for (const { command, reads } of submissions) {
    for (const ref of reads) want(ref.table, ref.bucket, ref.id);
    want('journal_heads', lane, command.environmentId);
  }
  return missing;
}

/** Loads the stored responses of the commands' idempotency keys, and the customers whose keys open them. */
export async function loadTakenKeys(
  store: LaneStore,
  submissions: readonly Submission[],
  kept: KeptRows,
): Promise<Map<string, IdempotencyKeyRow>> {
  const environments: string[] = [];
  const keys: string[] = [];
  for (const { command, answering } of submissions) {
    if (!answering) continue;
    environments.push(command.environmentId);
    keys.push(answering.claim.key);
  }
  const rows = await store.loadTakenKeys({ environments, keys });
  await loadCustomers(
    store,
    rows.map(({ body }) => sealedCustomer(body)),
    kept,
  );
  return new Map(rows.map((row) => [keyName(row.environment_id, row.key), row]));
}
