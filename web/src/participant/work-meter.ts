import { decodeFrame } from '@ciro/core/protocol/frame.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { ReceiptBody } from '@ciro/core/receipt/receipt.ts';

/** Span of the live rate, in milliseconds: long enough to be read, short enough to be live. */
const RATE_WINDOW_MS = 5_000;
/** A rate from less than this would jump about. */
const RATE_MIN_MS = 1_000;
/** Tokens that the rate remembers: five seconds of 400 tokens/s over all jobs. */
const MAX_REMEMBERED = 2_000;
/** Jobs that may run at once over one placement is 4; those that ended without a word are forgotten beyond this. */
const MAX_METERED_JOBS = 64;

/** What this tab did for one job. */
export interface JobWork {
  readonly job: string;
  readonly modelId: string;
  readonly stage: number;
  readonly stages: number;
  readonly layers: readonly [number, number];
  readonly tokens: number;
  /** Positions in closed units, prompt and answer: what is paid. */
  readonly positions: number;
  readonly units: number;
}

export interface WorkTotals {
  readonly jobs: number;
  readonly tokens: number;
  readonly positions: number;
  readonly units: number;
}

interface Metered extends JobWork {
  readonly promptTokens: number;
  readonly lastStage: boolean;
  tokens: number;
  positions: number;
  units: number;
  over: boolean;
}

/**
 * Counts what this tab does, from what passes through the window anyway: frames that leave and messages to the coordinator.
 * A token counts when its row leaves this stage, or is sampled here by the last stage.
 */
export class WorkMeter {
  readonly #jobs = new Map<string, Metered>();
  readonly #recent: number[] = [];
  #totals: { jobs: number; tokens: number; positions: number; units: number } = { jobs: 0, tokens: 0, positions: 0, units: 0 };

  get totals(): WorkTotals {
    return { ...this.#totals };
  }

  began(plan: JobPlan, stage: number): void {
    const { layers } = plan.stages[stage] ?? {};
    if (layers === undefined) return;
    const { job, modelId, promptTokens, stages } = plan;
    this.#jobs.set(job, { job, modelId, promptTokens, stage, stages: stages.length, lastStage: stage === stages.length - 1, layers, tokens: 0, positions: 0, units: 0, over: false });
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size <= MAX_METERED_JOBS) break;
      this.#jobs.delete(oldest);
    }
  }

  /** A frame of this tab's worker leaves at `now` (milliseconds). The row at position p carries the token after p. */
  frameLeft(bytes: Uint8Array, now: number): void {
    const frame = decodeFrame(bytes);
    const metered = frame.kind === 'rows' ? this.#jobs.get(frame.job) : undefined;
    if (metered === undefined || metered.lastStage) return;
    this.#count(metered, frame.position + frame.count - Math.max(frame.position, metered.promptTokens - 1), now);
  }

  /** The last stage, here, sampled a token. */
  sampled(job: string, now: number): void {
    const metered = this.#jobs.get(job);
    if (metered !== undefined) this.#count(metered, 1, now);
  }

  unitClosed(unit: ReceiptBody): void {
    const metered = this.#jobs.get(unit.job);
    if (metered === undefined) return;
    metered.units++;
    metered.positions += unit.to - unit.from;
    this.#totals.units++;
    this.#totals.positions += unit.to - unit.from;
  }

  /** What was done for a job that is over; undefined when it is not known. It is forgotten when `last` says that nothing more comes. */
  ended(job: string, last: boolean): JobWork | undefined {
    const metered = this.#jobs.get(job);
    if (metered === undefined) return undefined;
    if (last) this.#jobs.delete(job);
    if (!metered.over) this.#totals.jobs++;
    metered.over = true;
    const { promptTokens: _prompt, lastStage: _last, over: _over, ...work } = metered;
    return work;
  }

  /** Tokens a second over the last seconds; 0 when nothing is being made. */
  tokensPerSecond(now: number): number {
    while ((this.#recent[0] ?? now) < now - RATE_WINDOW_MS) this.#recent.shift();
    const first = this.#recent[0];
    // The first token only starts the clock.
    return first === undefined ? 0 : (this.#recent.length - 1) / (Math.max(RATE_MIN_MS, now - first) / 1_000);
  }

  #count(metered: Metered, tokens: number, now: number): void {
    for (let count = 0; count < tokens; count++) {
      metered.tokens++;
      this.#totals.tokens++;
      this.#recent.push(now);
    }
    if (this.#recent.length > MAX_REMEMBERED) this.#recent.splice(0, this.#recent.length - MAX_REMEMBERED);
  }
}
