import { settleAfterRestart } from '../audit/after-restart.ts';
import { restartOf } from './kept-answer.ts';
import { settleJob } from './settle-job.ts';
import type { AuditMoney, AuditStore, Standings } from '../audit/ports.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { LeftBehind } from '../cluster/membership.ts';
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
  /** Which jobs were left by who is gone; asked for when all lists have been read. Every one when absent: nothing runs then. */
  readonly leftBehind?: LeftBehind;
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

const EVERY_JOB: LeftBehind = async () => () => true;

/**
 * Closes what a process left open that is gone, before any new job where it is this one's last run, but for answers that go on: of what is left nothing
 * runs, so every open hold is one of the first two, and every job that is not decided one of the third. The rows are gone with the old connections: what was audited counts,
 * and the rest is paid. A `checked` answer that was not given out costs nothing, nor does one that was to go on in another job; nobody waits for a correction any more.
 */
export async function recoverJobs({ ledger, archive, notices, standings, money, audits, kept, newJob, leftBehind = EVERY_JOB }: RecoveryDependencies): Promise<Recovery> {
  const lists = { kept: await kept.list(), holds: await ledger.openHolds(), running: await archive.running(), undecided: await archive.undecided() };
  const isLeft = await leftBehind();
  const goingOn: Restart[] = [];
  for (const answer of lists.kept) {
    const { job } = answer.asked.order;
    if (!isLeft(job)) continue;
    const restart = await restartOf(answer, archive, newJob);
    if (restart === undefined) await kept.end(job);
    else goingOn.push(restart);
  }
  const placedAnew = goingOn.map(({ order: { job } }) => job);
  /** Jobs that moved, and are gone on with. */
  const moved = new Set(goingOn.flatMap(({ before }) => before.map(({ order: { job } }) => job)));
  let charged = 0;
  let released = 0;
  for (const job of lists.holds.filter(isLeft)) {
    const archived = await archive.find(job);
    if (archived?.state === 'recorded') {
      await settleJob({ ledger, notices }, job, archived.record);
      charged++;
    } else if (!placedAnew.includes(job)) {
      await ledger.release(job);
      released++;
    }
  }
  const ended = lists.running.filter((job) => isLeft(job) && !placedAnew.includes(job));
  for (const job of ended) await archive.fail(job, { code: 'restarted', message: 'the coordinator stopped while this job was under way; nothing was charged: ask again' });
  const undecided = lists.undecided.filter(isLeft);
  for (const job of undecided) {
    const archived = await archive.find(job);
    if (archived?.state !== 'recorded') continue;
    await settleAfterRestart({ standings, money, store: audits }, archived.record);
    const brokeOff = archived.record.finish === 'moved' && !moved.has(job) && (await archive.continuationOf(job)) === undefined;
    if (archived.assurance === 'checked' || brokeOff) await ledger.failed(job, []);
    await archive.decided(job);
  }
  return { charged, released, decided: undecided.length, goingOn, ran: [...ended, ...placedAnew] };
}
