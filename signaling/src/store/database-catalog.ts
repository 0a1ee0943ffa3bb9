import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export interface CatalogColumn {
  readonly name: string;
  /** As SQL writes it, e.g. `numeric(78,0)`. */
  readonly type: string;
  /** Numbered by the database. */
  readonly identity: boolean;
}

export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
}

/** Tables of migrations themselves: what they say is in a backup's header. */
const OF_MIGRATIONS: ReadonlySet<string> = new Set(['migrations', 'migrations_lock']);

/** Our tables as the database has them, each behind those that it refers to. */
export async function catalogOf(db: Kysely<Schema>): Promise<readonly CatalogTable[]> {
  const { rows } = await sql<{ table: string; name: string; type: string; identity: boolean }>`
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attidentity <> '' as identity
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where n.nspname = current_schema() and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by c.relname, a.attnum`.execute(db);
  const { rows: references } = await sql<{ from: string; to: string }>`
    select f.relname as from, t.relname as to from pg_constraint r join pg_class f on f.oid = r.conrelid join pg_class t on t.oid = r.confrelid
    where r.contype = 'f' and f.oid <> t.oid`.execute(db);
  const tables = [...Map.groupBy(rows, ({ table }) => table)].filter(([name]) => !OF_MIGRATIONS.has(name)).map(([name, columns]) => ({ name, columns: columns.map(({ name: column, type, identity }) => ({ name: column, type, identity })) }));
  return inOrder(tables, references);
}

function inOrder(tables: readonly CatalogTable[], references: readonly { readonly from: string; readonly to: string }[]): CatalogTable[] {
  const ordered: CatalogTable[] = [];
  const placed = new Set<string>();
  const left = new Set(tables);
  while (left.size > 0) {
    const next = [...left].find(({ name }) => references.every(({ from, to }) => from !== name || placed.has(to)));
    if (next === undefined) throw new TypeError(`the tables ${[...left].map(({ name }) => name).join(', ')} refer to each other in a circle`);
    ordered.push(next);
    placed.add(next.name);
    left.delete(next);
  }
  return ordered;
}

/** Names of the migrations that a database has, in order; none of an empty one. */
export async function migrationsOf(db: Kysely<Schema>): Promise<readonly string[]> {
  const { rows: [found] } = await sql<{ there: boolean }>`select to_regclass('migrations') is not null as there`.execute(db);
  if (found?.there !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from migrations order by name`.execute(db);
  return rows.map(({ name }) => name);
}
