/** How fast this device runs three kinds of network, on graphs of their shapes with made-up weights (SPEC W4). */
import { buildScoreGraph } from '@ciro/core/model/graph/score-graphs.ts';
import { SCORE_SHAPES } from '@ciro/core/protocol/measured.ts';
import { SeededWeights, seededRows } from './seeded-weights.ts';
import type { Scores, ScoreShape } from '@ciro/core/protocol/measured.ts';
import type { createSession, Provider } from './ort.ts';

/** The first run of a graph allocates and, on a GPU, compiles; it is not counted. */
const TIMED_RUNS = 3;
/** One shape is timed no longer than this: a device on which one run takes as long has shown it. */
const ENOUGH_MS = 150;
/** A clock of 0.1 ms, as browsers give, cannot tell less. */
const LEAST_MS = 0.05;
const SEED = 5;

/** What the measurement asks before each thing that keeps the engine busy. */
export interface ScorePorts {
  readonly createSession: typeof createSession;
  now(): number;
  /** Runs one piece when no job waits for the engine. */
  turn<Result>(task: () => Promise<Result>): Promise<Result>;
  /** False as soon as somebody else needs the engine. */
  mayGoOn(): boolean;
}

/**
 * Milliseconds of one run of each shape, the least of some. A shape that this engine cannot run has none. Undefined when it had to make way for other work:
 * then nothing was measured, and it is tried again later. Holds at most 8 MB of weights at a time.
 */
export async function measureScores(engine: Provider, ports: ScorePorts): Promise<Scores | undefined> {
  const ms: Record<ScoreShape, number | null> = { bert: null, resnet: null, whisper: null };
  for (const shape of SCORE_SHAPES) {
    if (!ports.mayGoOn()) return undefined;
    const measured = await measureShape(engine, shape, ports).catch(() => null);
    if (measured === undefined) return undefined;
    ms[shape] = measured;
  }
  return { engine, ms };
}

async function measureShape(engine: Provider, shape: ScoreShape, { createSession: create, now, turn, mayGoOn }: ScorePorts): Promise<number | undefined> {
  const graph = buildScoreGraph(shape);
  const weights = new SeededWeights(graph.weights, SEED);
  const input = { data: seededRows(graph.inputDims.reduce((product, dim) => product * dim, 1), SEED, 'input'), dims: graph.inputDims };
  const session = await turn(() => create(engine, graph, (name) => weights.values(name)));
  try {
    let least: number | undefined;
    const begun = now();
    for (let run = 0; run <= TIMED_RUNS; run++) {
      if (!mayGoOn()) return undefined;
      if (least !== undefined && now() - begun > ENOUGH_MS) break;
      const ms = await turn(async () => {
        const started = now();
        await session.run({ input });
        return now() - started;
      });
      if (run > 0) least = Math.min(least ?? Number.POSITIVE_INFINITY, Math.max(LEAST_MS, ms));
    }
    return least;
  } finally {
    await session.release();
  }
}
