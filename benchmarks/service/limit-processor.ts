import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where Linux keeps control groups: of version 1 the one for processors, of version 2 the one for all. */
const VERSION_1 = '/sys/fs/cgroup/cpu';
const VERSION_2 = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
/** A group is given back when its last process is gone, which the kernel notices a moment later. */
const REMOVE_ATTEMPTS = 50;
const REMOVE_EVERY_MS = 100;

/** Lets a process have so much of one core and no more, from now until it has ended; says why where this machine cannot. Disposed after the process has ended. */
export async function limitProcessor(pid: number, cores: number): Promise<AsyncDisposable | { readonly missing: string }> {
  const isFirst = existsSync(join(VERSION_1, 'cpu.cfs_quota_us'));
  const group = join(isFirst ? VERSION_1 : VERSION_2, `ciro-bench-${pid}`);
  try {
    await mkdir(group);
    const quota = String(Math.round(cores * PERIOD_US));
    if (isFirst) {
      await writeFile(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
      await writeFile(join(group, 'cpu.cfs_quota_us'), quota);
    } else await writeFile(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`);
    await writeFile(join(group, 'cgroup.procs'), String(pid));
  } catch (error) {
    await rmdir(group).catch(() => undefined);
    return { missing: `the processor of a process cannot be limited here: ${(error as Error).message}; run as root, with control groups` };
  }
  return {
    async [Symbol.asyncDispose]() {
      for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
        if (await rmdir(group).then(() => true, () => false)) return;
        await sleep(REMOVE_EVERY_MS);
      }
    },
  };
}
