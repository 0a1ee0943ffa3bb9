import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kysely, PGliteDialect } from 'kysely';
import { lockFolder } from './folder-lock.ts';
import { keepHouse } from './housekeeping.ts';
import { openMemoryCluster } from './open-cluster.ts';
import { StoreError } from './store-error.ts';
import { ThreadedPglite } from './threaded-pglite.ts';
import type { PGlite } from 'kysely';
import type { Seat } from '../cluster/instance.ts';
import type { Schema } from './schema.ts';

/** Of the embedded database, in the data folder. */
export const DATABASE_FOLDER = 'pglite';
/** Making a database takes 2 s on two cores; a machine under load gets a lot more. */
const MAKE_TIMEOUT_MS = 120_000;

/** An opened database; closing gives back what it holds. */
export interface OpenedDatabase {
  readonly db: Kysely<Schema>;
  /** Of PostgreSQL: this process's seat among others. */
  readonly seat?: Seat;
  close(): Promise<void>;
}

/** Opens (or makes) a PGlite database under `dataDir`, taking the folder for this process; throws `locked`, `unavailable`. */
export async function openPglite(dataDir: string, options: { readonly onError: (error: Error) => void }): Promise<OpenedDatabase> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(dataDir);
  const folder = join(dataDir, DATABASE_FOLDER);
  try {
    if (!existsSync(folder)) await makeCluster(folder);
    const db = kyselyOf(await ThreadedPglite.open(folder));
    const stopTidying = keepHouse(db, options);
    return {
      db,
      close: async () => {
        await stopTidying();
        await db.destroy();
        await unlock();
      },
    };
  } catch (cause) {
    await unlock();
    const message = `the database in ${folder} cannot be opened; restore it from a backup, or move it away to start anew`;
    throw new StoreError('unavailable', message, { fault: 'platform', fields: { database: folder }, cause });
  }
}

/** A database in memory: for tests, nothing is kept. */
export async function openMemoryPglite(): Promise<OpenedDatabase> {
  const db = kyselyOf(await openMemoryCluster());
  return { db, close: () => db.destroy() };
}

/** Under another name until it is whole: what a crash leaves half made is never opened. */
export async function makeCluster(folder: string): Promise<void> {
  const draft = `${folder}.new`;
  await rm(draft, { recursive: true, force: true });
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'make-cluster.ts'), draft], { timeout: MAKE_TIMEOUT_MS });
  await rename(draft, folder);
}

/** Queries over an opened database. */
export const kyselyOf = (pglite: PGlite): Kysely<Schema> => new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
