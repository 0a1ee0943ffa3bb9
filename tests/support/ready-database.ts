import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DATABASE_FOLDER, makeCluster } from '../../signaling/src/store/open-pglite.ts';
import { CHECKOUT } from '../../signaling/src/setup/checkout.ts';

/** What an empty database is made by: another one is made when these change. */
const MADE_BY = ['node_modules/@electric-sql/pglite/package.json', 'signaling/src/store/open-cluster.ts', 'signaling/src/store/make-cluster.ts'];

let made: Promise<string> | undefined;

/** The empty database of this checkout's tests, made when none of them needed it before: that takes four seconds of a core, copying it a tenth of one. */
async function madeOnce(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of MADE_BY) hash.update(await readFile(join(CHECKOUT, name)));
  const folder = join(CHECKOUT, '.ciro', `test-database-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const draft = `${folder}-${randomBytes(6).toString('hex')}`;
  await mkdir(join(CHECKOUT, '.ciro'), { recursive: true });
  await makeCluster(draft);
  try {
    await rename(draft, folder);
  } catch (error) {
    // Another worker of this run was first.
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Puts the empty database into a data folder that a coordinator would make there at its first start. One that is there stays. */
export async function readyDatabase(dataDir: string): Promise<string> {
  const folder = join(dataDir, DATABASE_FOLDER);
  if (!existsSync(folder)) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await cp(await (made ??= madeOnce()), folder, { recursive: true });
  }
  return dataDir;
}
