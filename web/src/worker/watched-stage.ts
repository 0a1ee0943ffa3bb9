import { lossOfRun } from '../engine/engine-loss.ts';
import type { EngineLoss } from '../engine/engine-loss.ts';
import type { StageRun } from '../pipeline/stage-ports.ts';
import type { RunProgress } from './compute-api.ts';
import type { LoadedStage } from './compute-platform.ts';

/** Runs of this worker's stages, for the window to look at from outside. */
export class RunLog {
  #runs = 0;
  #running = 0;
  #slowestMs = 0;

  get progress(): RunProgress {
    return { runs: this.#runs, running: this.#running > 0, slowestMs: this.#slowestMs };
  }

  async note<Run extends { readonly computeMs: number }>(task: () => Promise<Run>): Promise<Run> {
    this.#runs++;
    this.#running++;
    try {
      const run = await task();
      this.#slowestMs = Math.max(this.#slowestMs, run.computeMs);
      return run;
    } finally {
      this.#running--;
    }
  }
}

/** A loaded stage whose runs are noted, and which tells of an error that ends the engine before anybody else hears of it. */
export class WatchedStage implements LoadedStage {
  readonly #stage: LoadedStage;
  readonly #log: RunLog;
  readonly #lost: (loss: EngineLoss) => void;

  constructor(stage: LoadedStage, log: RunLog, lost: (loss: EngineLoss) => void) {
    this.#stage = stage;
    this.#log = log;
    this.#lost = lost;
  }

  get provider(): LoadedStage['provider'] {
    return this.#stage.provider;
  }

  get heldBytes(): number {
    return this.#stage.heldBytes;
  }

  get peakBytes(): number {
    return this.#stage.peakBytes;
  }

  get promisedBytes(): number {
    return this.#stage.promisedBytes;
  }

  openJob(jobKey: string, maxPositions: number): void {
    this.#telling(() => this.#stage.openJob(jobKey, maxPositions));
  }

  handOver(...args: Parameters<LoadedStage['handOver']>): void {
    this.#telling(() => this.#stage.handOver(...args));
  }

  cacheBytes(jobKey: string): number {
    return this.#stage.cacheBytes(jobKey);
  }

  closeJob(jobKey: string): void {
    this.#stage.closeJob(jobKey);
  }

  async run(...args: Parameters<LoadedStage['run']>): Promise<StageRun> {
    try {
      return await this.#log.note(() => this.#stage.run(...args));
    } catch (error) {
      this.#tell(error);
      throw error;
    }
  }

  truncate(jobKey: string, length: number): void {
    this.#stage.truncate(jobKey, length);
  }

  /** A run of several jobs that fails says nothing yet: each is run alone then, and what ended the engine shows there. */
  async runBatch(batch: Parameters<LoadedStage['runBatch']>[0]): Promise<readonly StageRun[]> {
    const { runs } = await this.#log.note(async () => {
      const all = await this.#stage.runBatch(batch);
      return { runs: all, computeMs: all.reduce((sum, { computeMs }) => sum + computeMs, 0) };
    });
    return runs;
  }

  batchBytes(jobKeys: readonly string[]): number | undefined {
    return this.#stage.batchBytes(jobKeys);
  }

  releaseBatch(): void {
    this.#stage.releaseBatch();
  }

  dispose(): Promise<void> {
    return this.#stage.dispose();
  }

  #telling(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#tell(error);
      throw error;
    }
  }

  #tell(error: unknown): void {
    const loss = lossOfRun(error);
    if (loss !== undefined) this.#lost(loss);
  }
}
