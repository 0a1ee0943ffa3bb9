import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import { DurableNodeFs } from './durable-node-fs.ts';
import { lockFolder } from './folder-lock.ts';
import { StoreError } from './store-error.ts';
import { withoutTierUp } from './without-tier-up.ts';
import type { Schema } from './schema.ts';

/** PostgreSQL object ids of the types whose default reading we replace. */
const INT8 = 20;
const NUMERIC = 1700;
export const COLUMN_PARSERS = { [INT8]: Number, [NUMERIC]: BigInt };

/**
 * One connection serves one process, and the tables that matter fit in a few MB: with the default of 128 MB of buffers the
 * process is 150 MB larger. `wal_sync_method`: PGlite's fdatasync does nothing, its fsync reaches the disk.
 */
const SETTINGS = ['shared_buffers=8MB', 'max_connections=5', 'max_wal_size=64MB', 'min_wal_size=32MB', 'wal_sync_method=fsync'];
/** `-F` switches fsync off; a folder is to survive a power cut. */
const DURABLE_PARAMETERS = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F');

/** A database of its own in this process. */
export interface OpenedDatabase {
  readonly db: Kysely<Schema>;
  close(): Promise<void>;
}

/** Opens (or makes) a PGlite database under `dataDir`, taking the folder for this process; throws `locked`, `unavailable`. */
export async function openPglite(dataDir: string): Promise<OpenedDatabase> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(dataDir);
  const folder = join(dataDir, 'pglite');
  try {
    const pglite = await create({ fs: new DurableNodeFs(folder), startParams: [...DURABLE_PARAMETERS, ...settings()] });
    const db = kyselyOf(pglite);
    return {
      db,
      close: async () => {
        await db.destroy();
        await unlock();
      },
    };
  } catch (cause) {
    await unlock();
    throw new StoreError('unavailable', `the database in ${folder} cannot be opened; restore it from a backup, or move it away to start anew`, { fault: 'platform', fields: { database: folder }, cause });
  }
}

/** A database in memory: for tests, nothing is kept. */
export async function openMemoryPglite(): Promise<OpenedDatabase> {
  const db = kyselyOf(await create({ startParams: [...PGlite.defaultStartParams, ...settings()] }));
  return { db, close: () => db.destroy() };
}

const settings = (): string[] => SETTINGS.flatMap((setting) => ['-c', setting]);

const create = (options: ConstructorParameters<typeof PGlite>[0] & object): Promise<PGlite> =>
  withoutTierUp(async () => {
    const pglite = await PGlite.create({ parsers: COLUMN_PARSERS, ...options });
    // Compiles the interpreter, the one function that must not be optimised, while tier-up is off.
    await pglite.query('select sum(n) from generate_series(1, 10) as n where n > 1');
    return pglite;
  });

const kyselyOf = (pglite: PGlite): Kysely<Schema> => new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
