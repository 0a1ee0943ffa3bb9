import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openThrottledProxy } from '../throttle/throttled-proxy.ts';
import { runStart } from './run-start.ts';
import type { StartRun } from './run-start.ts';

export interface ColdStart extends StartRun {
  readonly downloadedBytes: number;
  readonly hosts: readonly string[];
}

/**
 * A machine that has only Node and npm, as near as this one can be: a copy of the files that a clone has, empty caches of npm,
 * pip, models and browsers, an empty home, the browser from npm, and every download through one line of the given speed.
 */
export async function coldStart(checkout: string, megabitsPerSecond: number, signal: AbortSignal): Promise<ColdStart> {
  const home = await mkdtemp(join(tmpdir(), 'ciro-cold-'));
  try {
    await using proxy = await openThrottledProxy(megabitsPerSecond);
    const clone = join(home, 'clone');
    await copyTracked(checkout, clone);
    const run = await runStart({
      checkout: clone,
      env: {
        ...inherited(),
        ...proxy.env,
        HOME: home,
        CIRO_CACHE: join(home, 'cache'),
        CIRO_BROWSER: 'npm',
        PORT: '0',
        npm_config_cache: join(home, 'npm'),
        PIP_CACHE_DIR: join(home, 'pip'),
        PIP_NO_INDEX: '',
        PIP_FIND_LINKS: '',
      },
      signal,
    });
    return { ...run, downloadedBytes: proxy.passedBytes, hosts: [...proxy.hosts] };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** This process's variables without those that would lead to what is installed here already, and without npm's own for this run. */
function inherited(): NodeJS.ProcessEnv {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|CIRO_|PIP_FIND_LINKS)/.test(name));
  return { ...Object.fromEntries(own), PATH: path.join(':') };
}

/** What a clone of this checkout has: the files git knows or would add, nothing that is ignored. */
async function copyTracked(checkout: string, target: string): Promise<void> {
  await mkdir(target);
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: checkout, maxBuffer: 64 * 1024 * 1024 });
  for (const name of new Set(stdout.split('\0').filter((each) => each !== ''))) await cp(join(checkout, name), join(target, name));
}
