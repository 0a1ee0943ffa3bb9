import * as v from 'valibot';

/** What a page is told: one stage of one model. Arrays are fetched apart, as raw bytes. */
export const PageTask = v.object({
  id: v.string(),
  provider: v.picklist(['wasm', 'webgpu']),
  stage: v.picklist([0, 1, 2]),
  prompts: v.number(),
  chunk: v.number(),
  idPrompts: v.number(),
  /** Whether another's ids are to be checked (last stage). */
  check: v.boolean(),
});
export type PageTask = v.InferOutput<typeof PageTask>;

/** What a page says when it is done or cannot go on. Rows and ids were posted before. */
export const PageReport = v.union([
  v.object({ others: v.array(v.object({ prompt: v.number(), position: v.number(), id: v.number(), gap: v.number(), ambiguous: v.boolean() })) }),
  v.object({ failed: v.string() }),
]);
export type PageReport = v.InferOutput<typeof PageReport>;

