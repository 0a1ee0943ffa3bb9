import { randomBytes } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { COLUMN_PARSERS } from './open-cluster.ts';
import { StoreError } from './store-error.ts';
import type { OpenedDatabase } from './open-pglite.ts';
import type { Schema } from './schema.ts';

/** Connections of one coordinator: the ledger writes one after the other, so a few serve everything else. */
const POOL_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 10_000;
/** Advisory lock that one running coordinator holds, or the instance that leads: it closes holds of jobs that run nowhere, which must be true. */
const COORDINATOR_LOCK = 0x6369726f;

/** Of an instance's name: two are never the same. */
const NAME_BYTES = 8;

const parsers: Readonly<Record<number, (text: string) => unknown>> = COLUMN_PARSERS;

/** A machine that is cut off is missed by the server after this; one that ends, at once. */
const KEEPALIVES = '-c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3';

export interface PostgresOptions {
  /** Hears of connections that broke while idle; the next query opens a new one. */
  readonly onError: (error: Error) => void;
  /** `reader`: beside a coordinator that owns it; `instance`: one of several coordinators (SPEC Z); else taken for this one alone. */
  readonly as?: 'reader' | 'instance';
}

/** Opens a PostgreSQL database; throws `unavailable`, or `locked` when it is to be this coordinator's alone and is another's. */
export async function openPostgres(databaseUrl: string, options: PostgresOptions): Promise<OpenedDatabase> {
  const name = options.as === 'instance' ? `ciro-instance-${randomBytes(NAME_BYTES).toString('hex')}` : 'ciro-coordinator';
  const settings: pg.ClientConfig = {
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: name,
    keepAlive: true,
    // A commit that was acknowledged is on disk, whatever the server's default.
    options: `-c synchronous_commit=on ${KEEPALIVES}`,
    types: { getTypeParser: (id: number, format?: 'text' | 'binary') => parsers[id] ?? pg.types.getTypeParser(id, format ?? 'text') },
  };
  const owner = new pg.Client(settings);
  owner.on('error', options.onError);
  try {
    await owner.connect();
  } catch (cause) {
    throw new StoreError('unavailable', `PostgreSQL at ${placeOf(databaseUrl)} cannot be reached; check DATABASE_URL and that the server runs`, { fault: 'platform', fields: { database: placeOf(databaseUrl) }, cause });
  }
  const lost = new Promise<void>((resolve) => owner.once('end', resolve));
  const take = async (): Promise<boolean> => (await owner.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [COORDINATOR_LOCK])).rows[0]?.taken === true;
  if (options.as === undefined && !(await take())) {
    await owner.end();
    throw new StoreError('locked', `another coordinator uses the database at ${placeOf(databaseUrl)}; stop it, or start with another DATABASE_URL`, { fault: 'user', fields: { database: placeOf(databaseUrl) } });
  }
  const pool = new pg.Pool({ ...settings, max: POOL_CONNECTIONS });
  pool.on('error', options.onError);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    seat: { name, lead: take, lost },
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
