import { settleJob } from './settle-job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { CreditNotices } from './ports.ts';

/** What a start found left over from a process that ended in the middle. */
export interface Recovery {
  /** Recorded jobs whose charge was still missing: now charged. */
  readonly charged: number;
  /** Jobs that were waiting or running: their holds are given back. */
  readonly released: number;
}

/** Closes what the last process left open, before any new job: nothing runs, so every open hold is one of these two. */
export async function recoverJobs(dependencies: { readonly ledger: Ledger; readonly archive: JobArchive; readonly notices: CreditNotices }): Promise<Recovery> {
  const { ledger, archive } = dependencies;
  let charged = 0;
  let released = 0;
  for (const job of await ledger.openHolds()) {
    const archived = await archive.find(job);
    if (archived?.state === 'recorded') {
      await settleJob(dependencies, job, archived.record);
      charged++;
    } else {
      await ledger.release(job);
      released++;
    }
  }
  await archive.failRunning({ code: 'restarted', message: 'the coordinator stopped while this job was under way; nothing was charged: ask again' });
  return { charged, released };
}
