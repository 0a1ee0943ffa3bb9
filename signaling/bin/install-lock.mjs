import { constants, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a waiting start looks again. Short enough to be unseen beside an install of many seconds. */
const POLL_MS = 200;
/** A lock is created and filled in one call; one that is empty for this long belongs to a process that died in between. */
const EMPTY_LOCK_MS = 5_000;

/**
 * @param {unknown} error
 * @param {string} code
 */
const hasCode = (error, code) => error instanceof Error && 'code' in error && error.code === code;

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM'); // it lives and belongs to somebody else
  }
}

/**
 * Who holds the lock: a process id, `dead`, or undefined while that cannot be told (just created, or just removed).
 * @param {string} file
 * @returns {number | 'dead' | undefined}
 */
function holderOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (Number.isSafeInteger(pid) && pid > 0) return isAlive(pid) ? pid : 'dead';
    return Date.now() - statSync(file).mtimeMs > EMPTY_LOCK_MS ? 'dead' : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** @param {string} file */
function tryCreate(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Moves a dead process's lock out of the way. If another start took it over at the same moment, its lock goes back.
 * @param {string} file
 */
function removeStale(file) {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (holderOf(aside) !== 'dead') copyFileSync(aside, file, constants.COPYFILE_EXCL);
  } catch (error) {
    // ENOENT: another start was faster. EEXIST: a third one holds the lock already.
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Runs `work` while holding the lock file, so that of several processes one works at a time. The lock of a process that
 * died is taken over.
 * @template T
 * @param {string} file
 * @param {(pid: number) => void} onWait told once, with the holder's process id
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, onWait, work) {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryCreate(file)) {
    const holder = holderOf(file);
    if (holder === 'dead') {
      removeStale(file);
      continue;
    }
    if (!told && holder !== undefined) {
      onWait(holder);
      told = true;
    }
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
