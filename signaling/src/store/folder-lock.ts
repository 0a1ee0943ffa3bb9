import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from './store-error.ts';

const LOCK_FILE = 'coordinator.pid';
/** A lock that its dead owner left is taken over once; a second loss means that another process was faster. */
const ATTEMPTS = 2;

/**
 * Takes a data folder for this process: a second PGlite on the same files would destroy them. Gives the function that
 * hands it back. Throws `locked` naming the process that has it; what a process that no longer runs left is taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK_FILE);
  let owner = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    owner = Number(await readFile(path, 'utf8').catch(() => '0'));
    if (isRunning(owner)) break;
    await rm(path, { force: true });
  }
  throw new StoreError('locked', `the data folder ${folder} is in use by process ${owner}; stop it, or start with another data folder (if that process is not Ciro, delete ${path})`, { fault: 'user', fields: { pid: owner } });
}

/** Our own number in a lock we did not write is an older process's: containers start with the same number each time. */
function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
