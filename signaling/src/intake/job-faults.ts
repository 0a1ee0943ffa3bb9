import type { JobId } from '@ciro/core/ids.ts';
import type { Fault } from './correction.ts';

/** Jobs whose faults are remembered, the newest: many times what could be gone on from at once. */
const MAX_REMEMBERED_FAULTS = 1_024;

/** What audits find of jobs that others may go on from (SPEC V8). */
export class JobFaults {
  /** Jobs being audited, and those that failed, oldest first; whoever passed is not here. */
  readonly #found = new Map<JobId, Promise<boolean>>();

  /** A job is being audited. */
  expect(job: JobId, fault: Promise<Fault | undefined>): void {
    const failed = fault.then((found) => found !== undefined, () => false);
    this.#found.set(job, failed);
    void failed.then((does) => {
      if (!does) this.#found.delete(job);
    });
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= MAX_REMEMBERED_FAULTS) return;
      this.#found.delete(oldest);
    }
  }

  /** Whether a job failed its audits, once that is decided; false when it never was audited here. */
  async failed(job: JobId): Promise<boolean> {
    return (await this.#found.get(job)) ?? false;
  }
}
