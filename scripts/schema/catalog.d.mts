import type { Queryable } from '../../server/src/store/pool.ts';

type Facts = Readonly<Record<string, string>>;

/** The schema of a database: every fact by its name. */
export interface Schema {
  readonly tables: Readonly<
    Record<
      string,
      {
        readonly options: string;
        readonly columns: Facts;
        readonly constraints: Facts;
        readonly indexes: Facts;
        readonly triggers: Facts;
        readonly privileges: Facts;
      }
    >
  >;
  readonly functions: Facts;
}

/** Reads the schema of a database, as the role that owns its tables. */
export function readSchema(db: Pick<Queryable, 'query'>): Promise<Schema>;
