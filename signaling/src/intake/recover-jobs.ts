import { settleAfterRestart } from '../audit/after-restart.ts';
import { settleJob } from './settle-job.ts';
import type { AuditMoney, AuditStore, Standings } from '../audit/ports.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { CreditNotices } from './ports.ts';

export interface RecoveryDependencies {
  readonly ledger: Ledger;
  readonly archive: JobArchive;
  readonly notices: CreditNotices;
  readonly standings: Standings;
  readonly money: AuditMoney;
  readonly audits: AuditStore;
}

/** What a start found left over from a process that ended in the middle. */
export interface Recovery {
  /** Recorded jobs whose charge was still missing: now charged. */
  readonly charged: number;
  /** Jobs that were waiting or running: their holds are given back. */
  readonly released: number;
  /** Recorded jobs whose audits were not over: now decided, as far as there is something to decide by. */
  readonly decided: number;
}

/**
 * Closes what the last process left open, before any new job: nothing runs, so every open hold is one of the first two, and
 * every job that is not decided one of the third. The rows are gone with the old connections: what was audited counts, and the
 * rest is paid. A `checked` answer that was not given out costs nothing, nor does one that was to go on in another job; nobody waits
 * for a correction any more.
 */
export async function recoverJobs({ ledger, archive, notices, standings, money, audits }: RecoveryDependencies): Promise<Recovery> {
  let charged = 0;
  let released = 0;
  for (const job of await ledger.openHolds()) {
    const archived = await archive.find(job);
    if (archived?.state === 'recorded') {
      await settleJob({ ledger, notices }, job, archived.record);
      charged++;
    } else {
      await ledger.release(job);
      released++;
    }
  }
  await archive.failRunning({ code: 'restarted', message: 'the coordinator stopped while this job was under way; nothing was charged: ask again' });
  const undecided = await archive.undecided();
  for (const job of undecided) {
    const archived = await archive.find(job);
    if (archived?.state !== 'recorded') continue;
    await settleAfterRestart({ standings, money, store: audits }, archived.record);
    const brokeOff = archived.record.finish === 'moved' && (await archive.continuationOf(job)) === undefined;
    if (archived.assurance === 'checked' || brokeOff) await ledger.failed(job, []);
    await archive.decided(job);
  }
  return { charged, released, decided: undecided.length };
}
