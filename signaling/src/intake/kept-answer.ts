import { MAX_PLAN_VERSIONS } from '../scheduler/scheduler-limits.ts';
import { continuationOf } from './going-on.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ArchivedJob, JobArchive } from '../evidence/job-archive.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AnswerWish } from './ask-request.ts';
import type { Part } from './run-parts.ts';

/** Ids are stored this often while they come: what is lost with a coordinator is drawn again, and this much of it is new to the reader. */
const SAVE_EVERY_MS = 1_000;

/** What an answer that outlives its coordinator was asked by. The prompt is in the order, as ids. */
export interface KeptAsked {
  readonly account: string;
  /** Id of the key that asked. */
  readonly key?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly request: AnswerWish;
  readonly order: JobOrder;
}

/** An answer under way, as it was stored last. */
export interface KeptAnswer {
  readonly asked: KeptAsked;
  /** Its jobs in order, the one that was asked first. */
  readonly jobs: readonly JobId[];
  /** Ids that its reader may have been given, over all jobs. */
  readonly ids: readonly number[];
  /** Coordinators that ended while it was under way. */
  readonly restarts: number;
}

/** Port: answers under way that are to go on without their reader, and over the coordinator's end (SPEC G7, G8). */
export interface KeptAnswers {
  begin(asked: KeptAsked): Promise<void>;
  /** Replaces what was stored of the answer that began with this job; nothing when there is none. */
  progress(first: JobId, jobs: readonly JobId[], ids: readonly number[]): Promise<void>;
  /** Counts a coordinator that ended, before anything is planned for the answer again. */
  restarted(first: JobId): Promise<void>;
  end(first: JobId): Promise<void>;
  /** Oldest first. */
  list(): Promise<readonly KeptAnswer[]>;
}

/** Stores how far one answer is, now and then: writes never overlap, and none is waited for. */
export class AnswerProgress {
  readonly #store: Pick<KeptAnswers, 'progress'>;
  readonly #first: JobId;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  #jobs: readonly JobId[];
  readonly #ids: number[];
  #savedAt: number;
  #saving: Promise<void> | undefined;
  #due = false;

  constructor(deps: { readonly store: Pick<KeptAnswers, 'progress'>; readonly now: () => number; readonly onError: (error: unknown) => void }, first: JobId, so: { readonly jobs: readonly JobId[]; readonly ids: readonly number[] }) {
    this.#store = deps.store;
    this.#now = deps.now;
    this.#onError = deps.onError;
    this.#first = first;
    this.#jobs = so.jobs;
    this.#ids = [...so.ids];
    this.#savedAt = deps.now();
  }

  /** One of its jobs is about to run. */
  began(job: JobId): void {
    if (this.#jobs.includes(job)) return;
    this.#jobs = [...this.#jobs, job];
    this.#save();
  }

  /** The reader is given one more id. */
  drew(id: number): void {
    this.#ids.push(id);
    if (this.#now() - this.#savedAt >= SAVE_EVERY_MS) this.#save();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
  }

  #save(): void {
    if (this.#saving !== undefined) {
      this.#due = true;
      return;
    }
    this.#due = false;
    this.#savedAt = this.#now();
    this.#saving = this.#store.progress(this.#first, this.#jobs, [...this.#ids]).catch(this.#onError).finally(() => {
      this.#saving = undefined;
      if (this.#due) this.#save();
    });
  }
}

/** What is left to do of an answer whose coordinator ended. */
export interface Restart {
  readonly kept: KeptAnswer;
  /** Jobs that moved and are recorded: they stand as they are. */
  readonly before: readonly Part[];
  /** The one that ran, or was to run: placed anew under versions above any that the tabs have seen. */
  readonly order: JobOrder;
  /** Ids of that order that its reader has been given: each must be drawn again as it was (SPEC G1). */
  readonly given: readonly number[];
}

/** Finds where an answer goes on; undefined when there is nothing left to draw. `newJob` names the next job where the last one had just moved. */
export async function restartOf(kept: KeptAnswer, archive: Pick<JobArchive, 'find'>, newJob: () => JobId): Promise<Restart | undefined> {
  const before: Part[] = [];
  let order = kept.asked.order;
  let stands = 0;
  for (let index = 0; ; index++) {
    const archived = await archive.find(order.job);
    if (archived?.state !== 'recorded') break;
    if (archived.record.finish !== 'moved') return undefined;
    before.push(standing(order, archived));
    stands += archived.record.tokenIds.length;
    order = continuationOf(order, { ids: archived.record.tokenIds, lost: undefined }, kept.jobs[index + 1] ?? newJob());
  }
  // Nothing of a checked answer was shown.
  const given = kept.asked.request.assurance === 'checked' ? [] : kept.ids.slice(stands);
  return { kept, before, order: { ...order, firstVersion: 1 + (kept.restarts + 1) * MAX_PLAN_VERSIONS }, given };
}

function standing(order: JobOrder, { record, createdAt, text }: Extract<ArchivedJob, { state: 'recorded' }>): Part {
  return { order, ran: Promise.resolve({ record, createdAt, text }), fault: Promise.resolve(undefined) };
}
