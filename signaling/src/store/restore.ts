import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { PRIVATE_FILES } from './backup-format.ts';
import { catalogOf } from './database-catalog.ts';
import { lockFolder } from './folder-lock.ts';
import { loadBackup, refuseNewer } from './load-backup.ts';
import { DATABASE_FOLDER, kyselyOf, makeCluster, openPglite } from './open-pglite.ts';
import { openPostgres } from './open-postgres.ts';
import { readPrivate, writePrivate } from './private-file.ts';
import { checkBackup } from './read-backup.ts';
import { StoreError } from './store-error.ts';
import { ThreadedPglite } from './threaded-pglite.ts';
import { writeBackup } from './write-backup.ts';
import type { BackupHeader } from './backup-format.ts';
import type { OpenedDatabase } from './open-pglite.ts';
import type { BackupSummary } from './write-backup.ts';

/** The database that is meant: `databaseUrl`, or the embedded one in `dataDir`. */
export interface Place {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly onError: (error: Error) => void;
}

/** Writes all of a coordinator's data to a new file. A coordinator over the embedded database has to be stopped (`locked`); one on PostgreSQL may go on. */
export async function backUp(place: Place, path: string, options: { readonly now: number; readonly signal?: AbortSignal }): Promise<BackupSummary> {
  const { dataDir, databaseUrl, onError } = place;
  if (databaseUrl === undefined && !existsSync(join(dataDir, DATABASE_FOLDER))) throw new StoreError('unavailable', `there is no database in ${dataDir}; name the data folder with --data, or set DATABASE_URL`, { fault: 'user' });
  const opened = databaseUrl === undefined ? await openPglite(dataDir, { onError }) : await openPostgres(databaseUrl, { onError, as: 'reader' });
  try {
    const files: BackupHeader['files'] = {};
    for (const name of PRIVATE_FILES) {
      const text = await readPrivate(dataDir, name);
      if (text !== undefined) files[name] = text;
    }
    return await writeBackup(opened.db, { path, files, ...options });
  } finally {
    await opened.close();
  }
}

/**
 * Puts a backup in the place of nothing; with `replace` an embedded database that is there, and the private files, are moved aside first. The file is read
 * to its end before anything is touched, and the ledger's chain is walked before anything is put in place. Throws `damaged-backup`, `not-empty`, `outdated`, `locked`.
 */
export async function restore(place: Place, path: string, options: { readonly now: number; readonly replace?: boolean }): Promise<BackupSummary> {
  const { header, ...summary } = await checkBackup(path);
  refuseNewer(header);
  const { dataDir, databaseUrl, onError } = place;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const aside = `.before-${options.now}`;
  const replace = options.replace ?? false;
  const foreign = await otherFiles(dataDir, header.files);
  if (foreign.length > 0 && !replace) throw new StoreError('not-empty', `${dataDir} has another ${foreign.join(' and ')} than the backup; restore into another folder, or move it aside with --replace`, { fault: 'user' });
  if (databaseUrl === undefined) await intoFolder(dataDir, path, { aside, replace });
  else await intoPostgres(await openPostgres(databaseUrl, { onError }), path);
  for (const name of foreign) await rename(join(dataDir, name), join(dataDir, `${name}${aside}`));
  for (const [name, text] of Object.entries(header.files)) await writePrivate(dataDir, name, text);
  return summary;
}

async function otherFiles(dataDir: string, files: BackupHeader['files']): Promise<string[]> {
  const names: string[] = [];
  for (const name of PRIVATE_FILES) {
    const text = await readPrivate(dataDir, name);
    if (text !== undefined && text !== files[name]) names.push(name);
  }
  return names;
}

async function intoFolder(dataDir: string, path: string, { aside, replace }: { readonly aside: string; readonly replace: boolean }): Promise<void> {
  const unlock = await lockFolder(dataDir);
  const folder = join(dataDir, DATABASE_FOLDER);
  const draft = `${folder}.restored`;
  try {
    const there = existsSync(folder);
    if (there && !replace) throw new StoreError('not-empty', `there is a database in ${folder}; restore into another folder, or move it aside with --replace`, { fault: 'user' });
    // One that a crash left half filled is nobody's.
    await rm(draft, { recursive: true, force: true });
    await makeCluster(draft);
    const db = kyselyOf(await ThreadedPglite.open(draft));
    try {
      await loadBackup(db, path);
      await sql`checkpoint`.execute(db);
    } finally {
      await db.destroy();
    }
    if (there) await rename(folder, `${folder}${aside}`);
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
    await unlock();
  }
}

/** PostgreSQL has to be empty: what a failed restore left behind is taken away again. */
async function intoPostgres(opened: OpenedDatabase, path: string): Promise<void> {
  const { db } = opened;
  try {
    const found = await catalogOf(db);
    if (found.length > 0) throw new StoreError('not-empty', `the database has tables already (${found.map(({ name }) => name).slice(0, 3).join(', ')} …); create a new one for the restore`, { fault: 'user' });
    try {
      await loadBackup(db, path);
    } catch (error) {
      const made = [...(await catalogOf(db)).map(({ name }) => name), 'migrations', 'migrations_lock'];
      await sql`drop table if exists ${sql.join(made.map((name) => sql.table(name)))} cascade`.execute(db);
      throw error;
    }
  } finally {
    await opened.close();
  }
}
