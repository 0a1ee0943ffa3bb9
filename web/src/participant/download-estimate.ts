import * as v from 'valibot';

/** Stages that the coordinator divides the model into unless its operator says otherwise (its default). */
export const USUAL_STAGES = 3;

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** The part of a model's manifest that tells what a download would weigh. */
const ManifestSizes = v.object({
  name: v.string(),
  architecture: v.object({ layers: v.pipe(Size, v.minValue(1)), tiedHead: v.boolean() }),
  shards: v.pipe(v.array(v.object({ name: v.string(), bytes: Size })), v.maxLength(4_096)),
});
export type ManifestSizes = v.InferOutput<typeof ManifestSizes>;

/** Sizes from a manifest as it came over HTTP; undefined when it is none. */
export function manifestSizes(value: unknown): ManifestSizes | undefined {
  const result = v.safeParse(ManifestSizes, value);
  return result.success ? result.output : undefined;
}

/** Bytes of the shards that layers `[from, to)` need: a tied head brings the embedding's shard along. */
export function rangeBytes(model: ManifestSizes, from: number, to: number): number {
  const heads = to === model.architecture.layers;
  const named = (name: string) => model.shards.find((shard) => shard.name === name)?.bytes ?? 0;
  let bytes = heads ? named('head') : 0;
  if (from === 0 || (heads && model.architecture.tiedHead)) bytes += named('embedding');
  for (let layer = from; layer < to; layer++) bytes += named(`layer-${layer}`);
  return bytes;
}

/** The most that a tab is likely to be asked for: the heaviest of the equal parts that the layers are usually cut into. */
export function likelyBytes(model: ManifestSizes, stages = USUAL_STAGES): number {
  const { layers } = model.architecture;
  const cuts = Array.from({ length: stages + 1 }, (_, stage) => Math.round((stage * layers) / stages));
  return Math.max(...cuts.slice(1).map((to, stage) => rangeBytes(model, cuts[stage] ?? 0, to)));
}

/** Bytes of the whole model as it is downloaded. */
export const modelBytes = (model: ManifestSizes): number => model.shards.reduce((sum, { bytes }) => sum + bytes, 0);
