import type { JobId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { ArchivedJob, JobArchive, JobFailure, OpenedJob } from './job-archive.ts';

/** Job records in memory, for tests. */
export class MemoryJobArchive implements JobArchive {
  readonly #jobs = new Map<string, ArchivedJob>();

  async open(job: OpenedJob): Promise<void> {
    this.#jobs.set(job.job, { ...job, state: 'running' });
  }
  async record(job: JobId, record: JobRecord, text: string): Promise<void> {
    this.#close(job, (opened) => ({ ...opened, state: 'recorded', record, text }));
  }
  async fail(job: JobId, failure: JobFailure): Promise<void> {
    this.#close(job, (opened) => ({ ...opened, state: 'failed', failure }));
  }
  async failRunning(failure: JobFailure): Promise<number> {
    const running = [...this.#jobs.values()].filter(({ state }) => state === 'running');
    for (const { job } of running) await this.fail(job, failure);
    return running.length;
  }
  async find(job: string): Promise<ArchivedJob | undefined> {
    return this.#jobs.get(job);
  }

  #close(job: JobId, change: (opened: OpenedJob) => ArchivedJob): void {
    const found = this.#jobs.get(job);
    if (found?.state === 'running') this.#jobs.set(job, change({ job, account: found.account, modelId: found.modelId, createdAt: found.createdAt }));
  }
}
