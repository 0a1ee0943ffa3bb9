import { sql } from 'kysely';
import { migrationsOf } from './database-catalog.ts';
import { MIGRATION_NAMES } from './migrate.ts';
import { openPglite } from './open-pglite.ts';
import { openPostgres } from './open-postgres.ts';
import type { Place } from './restore.ts';

export interface InspectedStore {
  /** Version of a PostgreSQL server; undefined for the embedded database, which is part of this version. */
  readonly server: string | undefined;
  /** Migrations that the database has, in order; none when it is empty. */
  readonly migrations: readonly string[];
  /** The last migration of this version. */
  readonly newest: string;
}

/** Looks at a database as it is, without bringing it to this version. Throws StoreError. */
export async function inspectStore({ dataDir, databaseUrl, onError }: Place): Promise<InspectedStore> {
  const opened = databaseUrl === undefined ? await openPglite(dataDir, { onError }) : await openPostgres(databaseUrl, { onError, as: 'reader' });
  try {
    const { rows: [version] } = await sql<{ server_version: string }>`show server_version`.execute(opened.db);
    return { server: databaseUrl === undefined ? undefined : version?.server_version, migrations: await migrationsOf(opened.db), newest: MIGRATION_NAMES.at(-1) ?? '' };
  } finally {
    await opened.close();
  }
}
