import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import { seededRows } from '../engine/seeded-weights.ts';
import type { HeldStage } from '../pipeline/stage-ports.ts';

/** Milliseconds as in a `profile`; `headMs` null where the stage has no head. */
export interface HeldStageTimes {
  readonly layerMs: number;
  readonly layerMs16: number;
  readonly headMs: number | null;
}

/** What the measurement asks of its surroundings. */
export interface HeldStagePorts {
  /** Runs one piece when no job waits for the engine. */
  turn<Result>(task: () => Promise<Result>): Promise<Result>;
  /** False as soon as somebody else needs the engine. */
  mayGoOn(): boolean;
}

/** No job has such a name: theirs are 32 hex digits. */
const MEASURED_JOB = 'measurement';
const WARM_UP_RUNS = 1;
const TIMED_CHUNKS = 2;
const TIMED_STEPS = 5;
const TIMED_HEADS = 3;
const SEED = 3;

/**
 * Times the layers that are loaded, as jobs find them: no weights beside theirs, a cache for some sixty positions. The least of several runs, as at joining. Undefined when it
 * had to make way; the engine is as it was in any case.
 */
export async function measureHeldStage({ engine, architecture, shape }: HeldStage, { turn, mayGoOn }: HeldStagePorts): Promise<HeldStageTimes | undefined> {
  const layers = shape.to - shape.from;
  const input = (count: number): Uint32Array | Float32Array => (shape.embeds ? new Uint32Array(count) : seededRows(count * architecture.hidden, SEED, 'rows'));
  let position = 0;
  const least = async (count: number, runs: number, logits: boolean): Promise<number | undefined> => {
    let best: number | undefined;
    for (let run = 0; run < WARM_UP_RUNS + runs; run++) {
      if (!mayGoOn()) return undefined;
      const { computeMs } = await turn(() => engine.run(MEASURED_JOB, position, input(count), count, { logits }));
      position += count;
      if (run >= WARM_UP_RUNS) best = Math.min(best ?? Number.POSITIVE_INFINITY, computeMs);
    }
    return best;
  };
  const chunks = WARM_UP_RUNS + TIMED_CHUNKS;
  engine.openJob(MEASURED_JOB, PREFILL_CHUNK_POSITIONS * chunks + 2 * WARM_UP_RUNS + TIMED_STEPS + TIMED_HEADS);
  try {
    const chunk = await least(PREFILL_CHUNK_POSITIONS, TIMED_CHUNKS, false);
    const step = chunk === undefined ? undefined : await least(1, TIMED_STEPS, false);
    if (chunk === undefined || step === undefined) return undefined;
    const withHead = shape.heads ? await least(1, TIMED_HEADS, true) : null;
    if (withHead === undefined) return undefined;
    return { layerMs: step / layers, layerMs16: chunk / layers, headMs: withHead === null ? null : Math.max(0, withHead - step) };
  } finally {
    engine.closeJob(MEASURED_JOB);
  }
}
