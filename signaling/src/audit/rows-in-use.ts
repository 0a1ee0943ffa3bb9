import type { AuditDraw } from '@ciro/core/audit/transcript.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { AuditWorkers } from './ports.ts';

/**
 * Which workers' rows are still wanted for a job's audits: a stage's are asked of its worker, or of either neighbour. The
 * others are told at once that they may give theirs back.
 */
export class RowsInUse {
  readonly #plan: JobPlan;
  readonly #workers: Pick<AuditWorkers, 'send'>;
  readonly #wanted: Set<number>;
  readonly #released = new Set<number>();

  constructor(workers: Pick<AuditWorkers, 'send'>, plan: JobPlan, draw: AuditDraw) {
    this.#plan = plan;
    this.#workers = workers;
    this.#wanted = new Set(draw.stages.flatMap(({ units }, stage) => (units > 0 ? stage : [])));
    this.#release();
  }

  /** The pieces of a stage are here, or nobody has them. */
  supplied(stage: number): void {
    this.#wanted.delete(stage);
    this.#release();
  }

  #release(): void {
    const { job, version, stages } = this.#plan;
    for (const [stage, { worker }] of stages.entries()) {
      if (this.#released.has(stage) || [stage - 1, stage, stage + 1].some((each) => this.#wanted.has(each))) continue;
      this.#released.add(stage);
      this.#workers.send(worker, { type: 'release', job, version });
    }
  }
}
