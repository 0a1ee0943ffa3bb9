import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { fail, ok, skipped, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** TypeScript as it is, and every locked package. */
const OLDEST_NODE_MAJOR = 24;
/** A year of a small network's database, and the model. */
const GOOD_FREE_BYTES = 2e9;
/** Below this the database's next log file may find no room. */
const LEAST_FREE_BYTES = 300e6;
/** TURN credentials last an hour and a chain's bounds five minutes: a clock that is off by more than this breaks both now and then. */
const GOOD_SKEW_MS = 10_000;
const MOST_SKEW_MS = 120_000;
const ASK_TIMEOUT_MS = 5_000;

export function nodeVersion(version: string): Finding {
  const major = Number.parseInt(version, 10);
  if (major >= OLDEST_NODE_MAJOR) return ok(`Node.js ${version}`);
  return fail(`Node.js ${version} runs this, and ${OLDEST_NODE_MAJOR} is the oldest that does`, 'run `npm ci`, which brings one, or install a newer Node.js from https://nodejs.org');
}

/** Space left where a folder is or will be. */
export async function diskSpace(folder: string, free: (existing: string) => Promise<number> = freeBytes): Promise<Finding> {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const bytes = await free(existing);
  const found = `${(bytes / 1e9).toFixed(1)} GB free for ${folder}`;
  if (bytes >= GOOD_FREE_BYTES) return ok(found);
  const fix = 'free some, or choose another place with --data and CIRO_CACHE';
  return bytes >= LEAST_FREE_BYTES ? warn(found, fix) : fail(found, fix);
}

async function freeBytes(existing: string): Promise<number> {
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

/** Whether a port can be listened on; a coordinator that answers there is what was wanted. */
export async function port(number: number): Promise<Finding> {
  if (await isFree(number)) return ok(`port ${number} is free`);
  const response = await fetch(`http://127.0.0.1:${number}/health`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }).catch(() => undefined);
  const body: unknown = await response?.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && 'network' in body) return ok(`a coordinator answers at port ${number}`);
  return fail(`port ${number} is taken by another program`, 'stop it, or start with another PORT');
}

function isFree(number: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(number, () => server.close(() => resolve(true)));
  });
}

/** Compares the clock with that of a server, as its `Date` tells it to the second. */
export async function clock(url: string, now: () => number): Promise<Finding> {
  const asked = now();
  const response = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }).catch(() => undefined);
  const told = Date.parse(response?.headers.get('date') ?? '');
  const host = new URL(url).host;
  if (!Number.isFinite(told)) return skipped(`${host} did not tell the time`, 'connect this machine, or compare its clock by hand');
  const answered = now();
  // Its second began before the answer came, and after the question went less a second.
  const ahead = asked > told + 1_000 ? asked - told - 1_000 : answered < told ? answered - told : 0;
  const found = ahead === 0 ? `as ${host} has it` : `${Math.abs(ahead / 1_000).toFixed(0)} s ${ahead > 0 ? 'ahead of' : 'behind'} ${host}`;
  if (Math.abs(ahead) <= GOOD_SKEW_MS) return ok(found);
  const fix = 'set the clock by the network (timedatectl set-ntp true): TURN credentials and transactions are bounded in time';
  return Math.abs(ahead) <= MOST_SKEW_MS ? warn(found, fix) : fail(found, fix);
}
