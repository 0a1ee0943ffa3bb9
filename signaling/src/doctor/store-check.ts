import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectStore } from '../store/inspect-store.ts';
import { fail, ok, warn } from './finding.ts';
import type { Place } from '../store/restore.ts';
import type { Finding } from './finding.ts';

/** Whether the database can be opened, and has the tables that this version knows; changes nothing in it. */
export async function database(place: Place): Promise<Finding> {
  const { dataDir, databaseUrl } = place;
  const where = databaseUrl === undefined ? `embedded, in ${dataDir}` : 'PostgreSQL';
  if (databaseUrl === undefined) {
    if (!existsSync(join(dataDir, 'pglite'))) return ok(`${where}: none yet, the first start makes it`);
    const owner = Number(await readFile(join(dataDir, 'coordinator.pid'), 'utf8').catch(() => '0'));
    if (owner > 0 && isRunning(owner)) return ok(`${where}: in use by process ${owner}`);
  }
  const { server, migrations, newest } = await inspectStore(place);
  const found = `${where}${server === undefined ? '' : ` ${server}`}`;
  if (migrations.length === 0) return ok(`${found}: empty, the first start makes its tables`);
  const unknown = migrations.find((name) => name > newest);
  if (unknown !== undefined) return fail(`${found}: its tables are of a newer version (${unknown})`, 'run that version, or restore a backup of this one into another place');
  if (migrations.at(-1) !== newest) return warn(`${found}: tables of ${migrations.at(-1)}`, `the next start brings them to ${newest}; \`npm run backup -- FILE\` first`);
  return ok(`${found}: tables of ${newest}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
