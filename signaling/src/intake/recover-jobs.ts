import { settleAfterRestart } from '../audit/after-restart.ts';
import { restartOf } from './kept-answer.ts';
import { settleJob } from './settle-job.ts';
import type { AuditMoney, AuditStore, Standings } from '../audit/ports.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { KeptAnswers, Restart } from './kept-answer.ts';
import type { CreditNotices } from './ports.ts';

export interface RecoveryDependencies {
  readonly ledger: Ledger;
  readonly archive: JobArchive;
  readonly notices: CreditNotices;
  readonly standings: Standings;
  readonly money: AuditMoney;
  readonly audits: AuditStore;
  readonly kept: KeptAnswers;
  readonly newJob: () => JobId;
}

/** What a start found left over from a process that ended in the middle. */
export interface Recovery {
  /** Recorded jobs whose charge was still missing: now charged. */
  readonly charged: number;
  /** Jobs that were waiting or running: their holds are given back. */
  readonly released: number;
  /** Recorded jobs whose audits were not over: now decided, as far as there is something to decide by. */
  readonly decided: number;
  /** Answers that go on (SPEC G8): their holds stay. */
  readonly goingOn: readonly Restart[];
  /** Jobs that ran, of which tabs may still say something. */
  readonly ran: readonly JobId[];
}

/**
 * Closes what the last process left open, before any new job, but for answers that go on: nothing runs, so every open hold is one of
 * the first two, and every job that is not decided one of the third. The rows are gone with the old connections: what was audited counts, and the
 * rest is paid. A `checked` answer that was not given out costs nothing, nor does one that was to go on in another job; nobody waits
 * for a correction any more.
 */
export async function recoverJobs({ ledger, archive, notices, standings, money, audits, kept, newJob }: RecoveryDependencies): Promise<Recovery> {
  const goingOn: Restart[] = [];
  for (const answer of await kept.list()) {
    const restart = await restartOf(answer, archive, newJob);
    if (restart === undefined) await kept.end(answer.asked.order.job);
    else goingOn.push(restart);
  }
  const placedAnew = goingOn.map(({ order: { job } }) => job);
  /** Jobs that moved, and are gone on with. */
  const moved = new Set(goingOn.flatMap(({ before }) => before.map(({ order: { job } }) => job)));
  let charged = 0;
  let released = 0;
  for (const job of await ledger.openHolds()) {
    const archived = await archive.find(job);
    if (archived?.state === 'recorded') {
      await settleJob({ ledger, notices }, job, archived.record);
      charged++;
    } else if (!placedAnew.includes(job)) {
      await ledger.release(job);
      released++;
    }
  }
  const ran = await archive.failRunning({ code: 'restarted', message: 'the coordinator stopped while this job was under way; nothing was charged: ask again' }, placedAnew);
  const undecided = await archive.undecided();
  for (const job of undecided) {
    const archived = await archive.find(job);
    if (archived?.state !== 'recorded') continue;
    await settleAfterRestart({ standings, money, store: audits }, archived.record);
    const brokeOff = archived.record.finish === 'moved' && !moved.has(job) && (await archive.continuationOf(job)) === undefined;
    if (archived.assurance === 'checked' || brokeOff) await ledger.failed(job, []);
    await archive.decided(job);
  }
  return { charged, released, decided: undecided.length, goingOn, ran: [...ran, ...placedAnew] };
}
