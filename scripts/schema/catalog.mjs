/** Reads a database's schema from the catalog of PostgreSQL. */

/**
 * @typedef {Record<string, string>} Facts each by its name
 * @typedef {{ options: string, columns: Facts, constraints: Facts, indexes: Facts, triggers: Facts, privileges: Facts }} TableFacts
 * @typedef {{ tables: Record<string, TableFacts>, functions: Facts }} Schema
 */

const own = `c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and c.relname not like 'kysely%'`;

const queries = {
  options: `select c.relname::text as "table", '' as name, concat_ws(' ', c.relkind::text, array_to_string(c.reloptions, ' ')) as fact
    from pg_class c where ${own}`,
  columns: `select c.relname::text as "table", a.attname::text as name, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      case when a.attcollation not in (0, t.typcollation) then 'collate ' || l.collname end,
      case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end,
      case when a.attnotnull then 'not null' end,
      'default ' || pg_get_expr(d.adbin, d.adrelid)) as fact
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid left join pg_collation l on l.oid = a.attcollation
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where ${own}`,
  // PostgreSQL 18 lists not-null constraints here; those are facts of the columns.
  constraints: `select c.relname::text as "table", k.conname::text as name, pg_get_constraintdef(k.oid) as fact
    from pg_class c join pg_constraint k on k.conrelid = c.oid where k.contype <> 'n' and ${own}`,
  indexes: `select c.relname::text as "table", i.relname::text as name, pg_get_indexdef(i.oid) as fact
    from pg_class c join pg_index x on x.indrelid = c.oid join pg_class i on i.oid = x.indexrelid
    where ${own}`,
  triggers: `select c.relname::text as "table", g.tgname::text as name, pg_get_triggerdef(g.oid) as fact
    from pg_class c join pg_trigger g on g.tgrelid = c.oid where not g.tgisinternal and ${own}`,
  // What the owner may do with its own tables: an append-only table lacks some of the privileges.
  privileges: `select c.relname::text as "table", 'owner' as name,
      string_agg(x.privilege_type, ', ' order by x.privilege_type) as fact
    from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x where x.grantee = c.relowner and ${own}
    group by c.relname
    union all
    select c.relname::text, 'owner (' || a.attname || ')', string_agg(x.privilege_type, ', ' order by x.privilege_type)
    from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x
    where x.grantee = c.relowner and ${own} group by c.relname, a.attname`,
};

const functions = `select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as fact from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p') order by 1`;

/**
 * @param {{ query(text: string): Promise<{ rows: Record<string, string>[] }> }} db as the role that owns the tables
 * @returns {Promise<Schema>} every fact of the schema `public`, but for Kysely's own tables; names in alphabetical order
 */
export async function readSchema(db) {
  /** @type {Schema} */
  const schema = { tables: {}, functions: {} };
  for (const [kind, text] of Object.entries(queries)) {
    const { rows } = await db.query(
      `select * from (${text}) facts order by "table" collate "C", name collate "C"`,
    );
    for (const { fact, name, table } of rows) {
      schema.tables[table] ??= emptyTable();
      const facts = schema.tables[table];
      if (kind === 'options') facts.options = fact;
      else facts[kind][name] = fact;
    }
  }
  for (const { fact, name } of (await db.query(functions)).rows) schema.functions[name] = fact;
  return schema;
}

/** @returns {TableFacts} */
function emptyTable() {
  return { options: '', columns: {}, constraints: {}, indexes: {}, triggers: {}, privileges: {} };
}
