import type { RunProgress } from '../worker/compute-api.ts';

/** A run that is not over by then is stuck, or by four times the time that it was predicted to take (SPEC G4). */
const STUCK_AFTER_MS = 2_000;
const STUCK_AFTER_PREDICTIONS = 4;
/** How often the compute worker is asked while jobs run. Two messages a time; a token sends none for this. Hidden pages ask once a second. */
export const RUN_WATCH_MS = 500;
/** A tick that came later than this says that the page was suspended or starved, the worker beside it, too: more is not held against it. */
const MAX_TICK_MS = 2 * RUN_WATCH_MS;

/** What is known of a run before it begins. */
export interface RunPrediction {
  /** Milliseconds that a chunk of 16 positions takes as measured. */
  readonly chunkMs: number;
  /** Of the first run of all: a graphics driver compiles its programs then. */
  readonly firstMs: number;
}

export interface RunWatchPorts {
  /** Asks the compute worker; never settles when it is blocked. */
  progress(): Promise<RunProgress>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls back every `milliseconds` until the returned function is called. */
  every(milliseconds: number, task: () => void): () => void;
  stuck(message: string): void;
}

/**
 * Finds a run that never ends, from outside of the thread that it may block: while jobs run the compute worker is asked how far its runs
 * are. A worker that does not answer, or that is at the same run as before, stands still; what stands still for too long is stuck.
 */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  readonly #jobs = new Set<string>();
  #prediction: RunPrediction = { chunkMs: 0, firstMs: 0 };
  #seen: RunProgress = { runs: 0, running: false, slowestMs: 0 };
  #asked = false;
  #standsMs = 0;
  #tickedAt = 0;
  /** Counts watches: an answer to a question of an earlier one is nobody's business. */
  #watch = 0;
  #stopTicking: (() => void) | undefined;

  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
  }

  expect(prediction: RunPrediction): void {
    this.#prediction = prediction;
  }

  /** The worker was given a job. */
  began(job: string): void {
    this.#jobs.add(job);
    if (this.#stopTicking !== undefined) return;
    this.#tickedAt = this.#ports.now();
    this.#standsMs = 0;
    this.#asked = false;
    this.#watch++;
    this.#stopTicking = this.#ports.every(RUN_WATCH_MS, () => this.#tick());
  }

  /** The worker has nothing more to do for it. */
  ended(job: string): void {
    this.#jobs.delete(job);
    if (this.#jobs.size === 0) this.#stop();
  }

  /** Nobody waits for what the worker may be doing, or it is another worker from now on. */
  clear(): void {
    this.#jobs.clear();
    this.#seen = { runs: 0, running: false, slowestMs: 0 };
    this.#stop();
  }

  #stop(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
    this.#watch++;
  }

  #tick(): void {
    const now = this.#ports.now();
    this.#standsMs += Math.min(now - this.#tickedAt, MAX_TICK_MS);
    this.#tickedAt = now;
    if (this.#standsMs > this.#limitMs) {
      const what = this.#asked ? 'has not answered' : `has been at run ${this.#seen.runs}`;
      this.clear();
      return this.#ports.stuck(`the compute worker ${what} for ${(this.#standsMs / 1000).toFixed(1)} s`);
    }
    if (this.#asked) return;
    this.#asked = true;
    const watch = this.#watch;
    // Who ends the worker hears nothing from this question: it never settles.
    void this.#ports.progress().then((progress) => watch === this.#watch && this.#answered(progress));
  }

  #answered(progress: RunProgress): void {
    this.#asked = false;
    if (!progress.running || progress.runs !== this.#seen.runs) this.#standsMs = 0;
    this.#seen = progress;
  }

  get #limitMs(): number {
    const { chunkMs, firstMs } = this.#prediction;
    const predictedMs = Math.max(chunkMs, this.#seen.slowestMs, this.#seen.runs <= 1 ? firstMs : 0);
    return Math.max(STUCK_AFTER_MS, STUCK_AFTER_PREDICTIONS * predictedMs);
  }
}
