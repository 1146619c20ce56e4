import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { SaltSource } from '../platform/seal.ts';
import { arrayLiteral } from './arrays.ts';
import type { Queryable } from './pool.ts';

interface KnownSalt {
  readonly salt: Buffer | null;
  readonly loadedAtMs: number;
}

/**
 * The salts of customers' keys, for reads. They are cached for `limits.customerSaltMs`, so that an erasure by another process
 * takes effect. Writes read salts with the rows of their command instead.
 */
export function createCustomerSalts(db: Queryable): SaltSource {
  const known = new Map<string, KnownSalt>();
  return {
    saltOf: (customerId) => known.get(customerId)?.salt,
    async load(customerIds) {
      const nowMs = Date.now();
      const wanted = customerIds.filter(
        (id) => nowMs - (known.get(id)?.loadedAtMs ?? 0) > limits.customerSaltMs,
      );
      if (wanted.length === 0) return;
      const { rows } = await db.query<{ id: string; key_salt: Buffer | null }>({
        name: 'load_customer_salts',
        text: `select c.id, c.key_salt from unnest($1::int2[], $2::text[]) as w(bucket, id)
          join customers c on c.bucket = w.bucket and c.id = w.id`,
        values: [arrayLiteral('int2', wanted.map(bucketOfId)), arrayLiteral('text', wanted)],
      });
      for (const { id, key_salt: salt } of rows) {
        known.delete(id);
        known.set(id, { salt, loadedAtMs: nowMs });
      }
      // The salts that were just loaded come last, and stay.
      if (known.size > limits.customerSalts) {
        for (const id of [...known.keys()].slice(0, limits.customerSalts / 2)) known.delete(id);
      }
    },
  };
}
