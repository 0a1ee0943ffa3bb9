/** What this device does a layer in, per provider, measured on the model's own sizes with made-up weights: nothing to fetch. */
import { HEAD_SLICES, buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createSession } from './ort.ts';
import { SeededWeights, seededRows } from './seeded-weights.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { EngineSession, Provider } from './ort.ts';

/** Milliseconds, the least of several runs: what the device can do. Other work on it only ever adds, and tabs that join together measure together. */
export interface EngineProfile {
  readonly provider: Provider;
  /** One layer, one token. */
  readonly layerMs: number;
  /** One layer, a chunk of 16 tokens. */
  readonly layerMs16: number;
  /** Final norm apart, the whole head for one row. */
  readonly headMs: number;
}

/** Enough weights that they don't stay in a processor's cache, few enough for a small device. */
const MEASURED_WEIGHT_BYTES = 64 * 2 ** 20;
const MAX_MEASURED_LAYERS = 6;
const CHUNK_TOKENS = 16;
const WARM_UP_RUNS = 2;
const TIMED_STEPS = 9;
const TIMED_CHUNKS = 3;
/** A device so slow that this is over has shown it: a software GPU takes a second a run, and all of them would take two minutes. */
const ENOUGH_MS = 1_500;
const SEED = 3;

/** Measures a provider; weights are freed after. Throws EngineError `session-failed`, or the signal's reason when aborted. */
export async function measureProvider(provider: Provider, architecture: Architecture, signal: AbortSignal): Promise<EngineProfile> {
  const layers = measuredLayers(architecture);
  const shape = { from: 0, to: layers, embeds: false, heads: false };
  const graph = buildLayersGraph({ ...architecture, layers }, shape);
  const { hidden } = architecture;
  const layerTimes = await withSession(provider, graph, signal, async (session) => {
    const runner = new StageRunner(architecture, shape, { layers: session });
    runner.openJob('benchmark', (WARM_UP_RUNS + TIMED_STEPS) + CHUNK_TOKENS * (WARM_UP_RUNS + TIMED_CHUNKS));
    const time = (count: number, runs: number): Promise<number> =>
      leastMs(runs, signal, () => runner.run('benchmark', runner.length('benchmark'), seededRows(count * hidden, SEED, 'rows'), count));
    const chunk = await time(CHUNK_TOKENS, TIMED_CHUNKS);
    return { chunk, step: await time(1, TIMED_STEPS) };
  });

  const vocabulary = Math.min(architecture.vocabulary, HEAD_SLICES * Math.floor(MEASURED_WEIGHT_BYTES / (4 * hidden * HEAD_SLICES)));
  const row = { data: seededRows(hidden, SEED, 'row'), dims: [1, hidden] };
  const headMs = await withSession(provider, buildHeadGraph({ ...architecture, vocabulary }), signal, (session) =>
    leastMs(TIMED_STEPS, signal, () => session.run({ rows: row })),
  );
  return {
    provider,
    layerMs: layerTimes.step / layers,
    layerMs16: layerTimes.chunk / layers,
    headMs: (headMs * architecture.vocabulary) / vocabulary,
  };
}

function measuredLayers({ layers, hidden, heads, kvHeads, headDim, feedForward }: Architecture): number {
  const perLayer = 4 * (hidden * headDim * (2 * heads + 2 * kvHeads) + 3 * hidden * feedForward);
  return Math.max(1, Math.min(layers, MAX_MEASURED_LAYERS, Math.round(MEASURED_WEIGHT_BYTES / perLayer)));
}

async function withSession<Result>(
  provider: Provider,
  graph: ReturnType<typeof buildLayersGraph>,
  signal: AbortSignal,
  use: (session: EngineSession) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const weights = new SeededWeights(graph.weights, SEED);
  const session = await createSession(provider, graph, (name) => weights.values(name));
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

async function leastMs(runs: number, signal: AbortSignal, run: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  const begun = performance.now();
  for (let i = 0; i < WARM_UP_RUNS + runs; i++) {
    signal.throwIfAborted();
    const started = performance.now();
    if (least < Infinity && started - begun > ENOUGH_MS) break;
    await run();
    if (i >= WARM_UP_RUNS) least = Math.min(least, performance.now() - started);
  }
  return least;
}
