/**
 * Qualification: before a provider serves, it computes seeded vectors of every operator and of small stages, whose results a
 * plain float64 implementation gives too. Some GPUs return wrong values without any error (decision D3), so nothing is taken
 * on trust, and nothing is remembered: it runs whenever a tab joins, and again when browser or driver change (device-name.ts).
 */
import { HEAD_SLICES, buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { MAX_RUN_TOKENS, StageRunner } from '@ciro/core/model/stage-runner.ts';
import { checkOperators } from './operator-vectors.ts';
import { createSession } from './ort.ts';
import { PlainTransformer } from './plain-transformer.ts';
import { SeededWeights, seededRows } from './seeded-weights.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { OperatorError } from './operator-vectors.ts';
import type { EngineSession, Provider } from './ort.ts';

/**
 * Largest error allowed, as a share of the channel's scale (the power of two above its largest value): a quarter of the
 * tau = 2^-12 that audits allow (PROTOCOL 5). WASM stays below 2^-19.
 */
export const QUALIFICATION_TOLERANCE = 2 ** -14;
/**
 * The same for logits, as a share of the power of two above the largest: two of them may be off in opposite ways and must still
 * lie within delta, which is at least 2^-15 of their root mean square (SPEC A7), a quarter of that power of two.
 */
export const LOGITS_TOLERANCE = 2 ** -18;

/** Where a provider was worst; `errorOfScale` is Infinity when a value was not finite. */
export interface BoundaryError {
  readonly boundary: 'residual rows' | 'final-norm rows' | 'logits';
  readonly errorOfScale: number;
  readonly position: number;
}

export interface Qualification {
  readonly provider: Provider;
  readonly eligible: boolean;
  readonly boundaries: readonly BoundaryError[];
  /** One operator may be there more than once, in other shapes. */
  readonly operators: readonly OperatorError[];
  /** Why the provider could not even run, if so. */
  readonly failure?: string;
}

/** Makes a session for a graph; the engine's own unless a test hands in a faulty one. */
export type SessionFactory = (provider: Provider, graph: Graph, weight: (name: string) => Float32Array) => Promise<EngineSession>;

const SEED = 20_251_121;
/**
 * Tokens per run: a prefill chunk, single steps, an odd batch, full chunks, steps across the first capacity step of 64
 * positions, and the longest run there may be. The known fault of fused attention on a software GPU shows from 32 tokens on
 * and not at 16 (measured), so every size that a kernel may switch at has to be there.
 */
const RUNS: readonly number[] = [16, 1, 1, 1, 1, 1, 7, 16, 16, 3, 1, 1, 1, MAX_RUN_TOKENS];
const POSITIONS = RUNS.reduce((sum, count) => sum + count, 0);
const VOCABULARY = 40 * HEAD_SLICES;
/** Logits are checked at the end of the last few runs; earlier ones would only repeat the same product. */
const LOGIT_RUNS = 3;

/** Runs the vectors. Never throws: a provider that fails is not eligible and says why. */
export async function qualify(provider: Provider, model: Architecture, create: SessionFactory = createSession): Promise<Qualification> {
  try {
    const architecture = qualificationArchitecture(model);
    const operators = await checkOperators(provider, architecture, create);
    const boundaries = [
      ...(await checkStage(provider, architecture, { from: 0, to: 1, embeds: false, heads: false }, create)),
      ...(await checkStage(provider, architecture, { from: 1, to: 2, embeds: false, heads: true }, create)),
    ];
    return { provider, boundaries, operators, eligible: boundaries.every(withinTolerance) && operators.every(({ errorOfScale }) => errorOfScale <= QUALIFICATION_TOLERANCE) };
  } catch (error) {
    return { provider, eligible: false, boundaries: [], operators: [], failure: error instanceof Error ? error.message : String(error) };
  }
}

const withinTolerance = ({ boundary, errorOfScale }: BoundaryError): boolean => errorOfScale <= (boundary === 'logits' ? LOGITS_TOLERANCE : QUALIFICATION_TOLERANCE);

/** The model's head width and grouping, which kernels specialise on, with little else. */
export function qualificationArchitecture(model: Architecture): Architecture {
  const kvHeads = Math.min(model.kvHeads, 2);
  return {
    ...model,
    layers: 2,
    hidden: 192,
    heads: kvHeads * (model.heads / model.kvHeads),
    kvHeads,
    feedForward: 320,
    vocabulary: VOCABULARY,
    context: POSITIONS,
  };
}

async function checkStage(provider: Provider, architecture: Architecture, shape: StageShape, create: SessionFactory): Promise<BoundaryError[]> {
  const layersGraph = buildLayersGraph(architecture, shape);
  const headGraph = shape.heads ? buildHeadGraph(architecture) : undefined;
  const weights = new SeededWeights([...layersGraph.weights, ...(headGraph?.weights ?? [])], SEED);
  const input = seededRows(POSITIONS * architecture.hidden, SEED, `input of ${shape.from}`);
  const plain = plainResults(architecture, shape, weights, input);

  const sessions: EngineSession[] = [];
  try {
    const layers = await create(provider, layersGraph, (name) => weights.values(name));
    sessions.push(layers);
    const head = headGraph && (await create(provider, headGraph, (name) => weights.values(name)));
    if (head) sessions.push(head);
    const runner = new StageRunner(architecture, shape, { layers, ...(head && { head }) });
    runner.openJob('qualification', POSITIONS);
    const rows = new Float32Array(POSITIONS * architecture.hidden);
    const logits = new Map<number, Float32Array>();
    let position = 0;
    for (const [index, count] of RUNS.entries()) {
      const from = position * architecture.hidden;
      const part = input.subarray(from, from + count * architecture.hidden);
      const wantLogits = head !== undefined && index >= RUNS.length - LOGIT_RUNS;
      const output = await runner.run('qualification', position, part, count, { logits: wantLogits });
      rows.set(output.rows, from);
      position += count;
      if (output.logits) logits.set(position - 1, output.logits);
    }
    const boundary = shape.heads ? 'final-norm rows' : 'residual rows';
    const errors = [{ boundary, ...worstError(rows, plain, architecture.hidden) } as const];
    return headGraph ? [...errors, { boundary: 'logits', ...worstLogits(architecture, weights, logits, plain) } as const] : errors;
  } finally {
    for (const session of sessions) await session.release();
  }
}

function plainResults(architecture: Architecture, shape: StageShape, weights: SeededWeights, input: Float32Array): Float64Array {
  const kept = new Map<string, Float32Array>();
  const plain = new PlainTransformer(architecture, shape, (name) => {
    const values = kept.get(name) ?? weights.values(name);
    kept.set(name, values);
    return values;
  });
  const rows = new Float64Array(input.length);
  for (let from = 0; from < input.length; from += architecture.hidden) {
    rows.set(plain.step(input.subarray(from, from + architecture.hidden)), from);
  }
  return rows;
}

/** Largest |actual - expected| over a channel's scale. */
function worstError(actual: Float32Array, expected: Float64Array, width: number): { errorOfScale: number; position: number } {
  const scales = new Float64Array(width);
  expected.forEach((value, i) => {
    scales[i % width] = Math.max(scales[i % width] ?? 0, Math.abs(value));
  });
  let worst = { errorOfScale: 0, position: 0 };
  actual.forEach((value, i) => {
    const error = Math.abs(value - (expected[i] ?? 0)) / powerOfTwoAbove(scales[i % width] ?? 0);
    if (!(error <= worst.errorOfScale)) worst = { errorOfScale: error - error === 0 ? error : Infinity, position: Math.floor(i / width) };
  });
  return worst;
}

function worstLogits(
  architecture: Architecture,
  weights: SeededWeights,
  logits: ReadonlyMap<number, Float32Array>,
  plain: Float64Array,
): { errorOfScale: number; position: number } {
  let worst = { errorOfScale: 0, position: 0 };
  const { hidden, vocabulary } = architecture;
  for (const [position, actual] of logits) {
    const row = plain.subarray(position * hidden, (position + 1) * hidden);
    const expected = new Float64Array(vocabulary);
    const sliceRows = vocabulary / HEAD_SLICES;
    for (let id = 0; id < vocabulary; id++) {
      const first = Math.floor(id / sliceRows) * sliceRows;
      const slice = weights.values(`head.${first}`);
      for (let k = 0; k < hidden; k++) expected[id] = (expected[id] ?? 0) + (row[k] ?? 0) * (slice[(id - first) * hidden + k] ?? 0);
    }
    const scale = powerOfTwoAbove(expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    for (let id = 0; id < vocabulary; id++) {
      const error = Math.abs((actual[id] ?? NaN) - (expected[id] ?? 0)) / scale;
      if (!(error <= worst.errorOfScale)) worst = { errorOfScale: error - error === 0 ? error : Infinity, position };
    }
  }
  return worst;
}

function powerOfTwoAbove(value: number): number {
  let power = 2 ** -20;
  while (power < value) power *= 2;
  return power;
}
