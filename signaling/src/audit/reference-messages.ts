import * as v from 'valibot';
import { PlanSampler } from '@ciro/core/job/plan.ts';
import { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Sampling = v.object({ sampler: PlanSampler, promptTokens: Count });

/** What the reference process is asked. `manifest`: the served one; whoever reads it parses it. */
export const ReferenceQuestion = v.object({
  id: Count,
  path: v.string(),
  manifest: v.unknown(),
  task: v.object({
    layers: v.strictTuple([Count, Count]),
    positions: Count,
    inputs: v.instance(Uint8Array),
    check: v.optional(v.object({ payload: v.instance(Uint8Array), sampling: Sampling })),
    follow: v.optional(v.object({ payload: v.instance(Uint8Array), ids: v.instance(Uint32Array), sampling: Sampling })),
  }),
});
export type ReferenceQuestion = v.InferOutput<typeof ReferenceQuestion>;

/** What it answers; `rssBytes` is the memory it has by then. */
export const ReferenceReply = v.variant('kind', [
  v.object({ kind: v.literal('done'), id: Count, rows: v.custom<Float32Array>((value) => value instanceof Float32Array), ids: v.nullable(SampledIds), rssBytes: Count }),
  v.object({ kind: v.literal('failed'), id: Count, message: v.string(), rssBytes: Count }),
]);
export type ReferenceReply = v.InferOutput<typeof ReferenceReply>;
