import * as v from 'valibot';
import { MAX_LINE_BYTES_PER_MS, MAX_SCORE_MS, MIN_LINE_BYTES_PER_MS } from './limits.ts';

/** Shapes of networks that a device is scored on (SPEC W4); their graphs are in `model/graph/score-graphs.ts`. */
export const SCORE_SHAPES = ['bert', 'resnet', 'whisper'] as const;
export type ScoreShape = (typeof SCORE_SHAPES)[number];

const LineRate = v.pipe(v.number(), v.finite(), v.minValue(MIN_LINE_BYTES_PER_MS), v.maxValue(MAX_LINE_BYTES_PER_MS));
const ScoreMs = v.pipe(v.number(), v.finite(), v.gtValue(0), v.maxValue(MAX_SCORE_MS));

/** Bytes a millisecond of a worker's line to the coordinator; null where it was not measured. */
export const LineRates = v.strictObject({ downBytesPerMs: v.nullable(LineRate), upBytesPerMs: v.nullable(LineRate) });
export type LineRates = v.InferOutput<typeof LineRates>;

/** Milliseconds of one run of each shape; null where the engine could not run it. */
export const Scores = v.strictObject({
  engine: v.picklist(['wasm', 'webgpu']),
  ms: v.strictObject({ bert: v.nullable(ScoreMs), resnet: v.nullable(ScoreMs), whisper: v.nullable(ScoreMs) }),
});
export type Scores = v.InferOutput<typeof Scores>;

/** What a worker measured beside its `profile`, when it had nothing to do: each part replaces what it said of that part before. */
export const Measured = v.strictObject({ type: v.literal('measured'), line: v.optional(LineRates), scores: v.optional(Scores) });
export type Measured = v.InferOutput<typeof Measured>;
