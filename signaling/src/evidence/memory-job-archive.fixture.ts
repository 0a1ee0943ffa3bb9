import type { JobId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { ArchivedJob, JobArchive, JobFailure, OpenedJob } from './job-archive.ts';

/** Job records in memory, for tests. */
export class MemoryJobArchive implements JobArchive {
  readonly #jobs = new Map<string, ArchivedJob>();

  async open(job: OpenedJob): Promise<void> {
    if (!this.#jobs.has(job.job)) this.#jobs.set(job.job, { ...job, state: 'running' });
  }
  async record(job: JobId, record: JobRecord, text: string): Promise<void> {
    this.#close(job, (opened) => ({ ...opened, state: 'recorded', record, text, decided: false }));
  }
  async fail(job: JobId, failure: JobFailure): Promise<void> {
    this.#close(job, (opened) => ({ ...opened, state: 'failed', failure }));
  }
  async running(): Promise<readonly JobId[]> {
    return [...this.#jobs.values()].filter(({ state }) => state === 'running').map(({ job }) => job);
  }
  async find(job: string): Promise<ArchivedJob | undefined> {
    return this.#jobs.get(job);
  }
  async correctionOf(job: string): Promise<JobId | undefined> {
    return [...this.#jobs.values()].find(({ corrects, state }) => corrects === job && state === 'recorded')?.job;
  }
  async continuationOf(job: string): Promise<JobId | undefined> {
    return [...this.#jobs.values()].find(({ continues, state }) => continues === job && state === 'recorded')?.job;
  }
  async decided(job: JobId): Promise<void> {
    const found = this.#jobs.get(job);
    if (found?.state === 'recorded') this.#jobs.set(job, { ...found, decided: true });
  }
  async undecided(): Promise<readonly JobId[]> {
    return [...this.#jobs.values()].filter((job) => job.state === 'recorded' && !job.decided).map(({ job }) => job);
  }

  #close(job: JobId, change: (opened: OpenedJob) => ArchivedJob): void {
    const found = this.#jobs.get(job);
    if (found?.state !== 'running') return;
    const { account, modelId, createdAt, assurance, corrects, continues } = found;
    this.#jobs.set(job, change({ job, account, modelId, createdAt, assurance, corrects, continues }));
  }
}
