import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { COLUMN_PARSERS } from './open-cluster.ts';
import { StoreError } from './store-error.ts';
import type { OpenedDatabase } from './open-pglite.ts';
import type { Schema } from './schema.ts';

/** Connections of one coordinator: the ledger writes one after the other, so a few serve everything else. */
const POOL_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 10_000;
/** Advisory lock that one running coordinator holds: at start it closes holds of jobs that run nowhere, which must be true. */
const COORDINATOR_LOCK = 0x6369726f;

const parsers: Readonly<Record<number, (text: string) => unknown>> = COLUMN_PARSERS;

/**
 * Opens a PostgreSQL database and takes it for this coordinator; throws `unavailable` or `locked`. `onError` hears of
 * connections that broke while idle; the next query opens a new one. `shared`: beside a coordinator that owns it, to read.
 */
export async function openPostgres(databaseUrl: string, options: { readonly onError: (error: Error) => void; readonly shared?: boolean }): Promise<OpenedDatabase> {
  const settings: pg.ClientConfig = {
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'ciro-coordinator',
    // A commit that was acknowledged is on disk, whatever the server's default.
    options: '-c synchronous_commit=on',
    types: { getTypeParser: (id: number, format?: 'text' | 'binary') => parsers[id] ?? pg.types.getTypeParser(id, format ?? 'text') },
  };
  const owner = new pg.Client(settings);
  owner.on('error', options.onError);
  try {
    await owner.connect();
  } catch (cause) {
    throw new StoreError('unavailable', `PostgreSQL at ${placeOf(databaseUrl)} cannot be reached; check DATABASE_URL and that the server runs`, { fault: 'platform', fields: { database: placeOf(databaseUrl) }, cause });
  }
  const { rows } = options.shared === true ? { rows: [{ taken: true }] } : await owner.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [COORDINATOR_LOCK]);
  if (rows[0]?.taken !== true) {
    await owner.end();
    throw new StoreError('locked', `another coordinator uses the database at ${placeOf(databaseUrl)}; stop it, or start with another DATABASE_URL`, { fault: 'user', fields: { database: placeOf(databaseUrl) } });
  }
  const pool = new pg.Pool({ ...settings, max: POOL_CONNECTIONS });
  pool.on('error', options.onError);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    close: async () => {
      await db.destroy();
      await owner.end();
    },
  };
}

/** Host, port and database of a URL: what may be shown, without user and password. */
function placeOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'the address given';
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}
