import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { Samples } from './samples.ts';
import type { HeldStage, StageMessage } from './stage-ports.ts';
import type { Drafter } from './drafter.ts';
import type { StageJob, StageWork } from './stage-job.ts';
import type { UnitEvidence } from './unit-evidence.ts';

/** Where a job is on this stage: computing, stopped by a failure until `finish` comes, closing, or over. */
export type JobState = 'open' | 'failed' | 'ending' | 'ended';

/** One job of the pipeline: its state machine, its evidence, its place in line and its timings. */
export class OpenJob {
  readonly job: StageJob;
  readonly evidence: UnitEvidence;
  readonly held: HeldStage;
  /** Absent where nothing is drafted: on every stage but the first of several. */
  readonly drafter: Drafter | undefined;
  state: JobState = 'open';
  /** Work that waits for the engine, and whether some is in it now. */
  waiting = 0;
  computing = false;
  /** Called when the run in progress is over; set by a `finish` that came meanwhile. */
  afterRun: (() => void) | undefined;
  /** When work last came for it or was done, by the pipeline's clock. */
  busyAt: number;
  /** Codes of faults that the coordinator was told of: one of each is enough. */
  readonly reported = new Set<string>();
  readonly #decodeMs = new Samples();
  readonly #commitMs = new Samples();
  readonly #unitMs = new Samples();
  readonly #lapMs = new Samples();
  #lapStartedAt: number | undefined;
  #commitPositions = 0;
  #commitSumMs = 0;

  constructor(job: StageJob, evidence: UnitEvidence, held: HeldStage, now: number, drafter?: Drafter) {
    this.busyAt = now;
    this.drafter = drafter;
    this.job = job;
    this.evidence = evidence;
    this.held = held;
  }

  /** Compute time of a run; prompt chunks and drafts are left out of the statistics, they are another shape. */
  ran(work: StageWork, computeMs: number): void {
    if (work.position < this.job.plan.promptTokens) return;
    if (work.count === 1) this.#decodeMs.add(computeMs);
    this.drafter?.ran(work.count, computeMs);
  }

  /** Commitment takes less than a browser's clock tells apart (0.1 ms): a sample is the mean over a unit's positions. */
  committed(positions: number, milliseconds: number): void {
    this.#commitPositions += positions;
    this.#commitSumMs += milliseconds;
    if (this.#commitPositions < UNIT_POSITIONS) return;
    this.#commitMs.add(this.#commitSumMs / this.#commitPositions);
    this.#commitPositions = this.#commitSumMs = 0;
  }

  unitSigned(milliseconds: number): void {
    this.#unitMs.add(milliseconds);
  }

  /** First stage: an id is here, so a lap is over and the next one begins. */
  lapped(now: number): void {
    if (this.#lapStartedAt !== undefined) this.#lapMs.add(now - this.#lapStartedAt);
    this.#lapStartedAt = now;
  }

  statistics(): Extract<StageMessage, { type: 'root' }>['stats'] {
    return {
      engine: this.held.engine.provider,
      decodeMs: this.#decodeMs.percentiles(),
      commitMs: this.#commitMs.percentiles(),
      unitMs: this.#unitMs.percentiles(),
      lapMs: this.#lapMs.percentiles(),
      peakMemoryBytes: this.held.engine.peakBytes,
    };
  }
}
