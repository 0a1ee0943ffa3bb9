import type { ModelManifest } from '@ciro/core/model/manifest.ts';

const FLOAT_BYTES = 4;

/** What a stage of a model costs in memory, all in bytes. Weights are expanded to float32 in the tab, the embedding is not. */
export interface ModelFootprint {
  readonly layers: number;
  /** Of each layer. */
  readonly layerBytes: readonly number[];
  /** Of each layer, as it is fetched: in the file's own format. */
  readonly shardBytes: readonly number[];
  /** First stage: rows are expanded as they are looked up, so it stays in its block format. */
  readonly embeddingBytes: number;
  /** Last stage: the final norm and the output matrix, expanded; a tied one is the embedding's, expanded. */
  readonly headBytes: number;
  /** What the last stage fetches beside its layers; of a tied head that is the embedding. */
  readonly headShardBytes: number;
  /** One position of keys and values, one layer. */
  readonly kvBytes: number;
  /** One position as it crosses to the next stage; absent where hops are not told apart by it. */
  readonly rowBytes?: number;
}

/** Reads the footprint off a manifest. */
export function modelFootprint(manifest: ModelManifest): ModelFootprint {
  const { layers, hidden, vocabulary, kvHeads, headDim, tiedHead } = manifest.architecture;
  const expanded = (name: string): number =>
    (manifest.shards.find((shard) => shard.name === name)?.tensors ?? []).reduce((sum, tensor) => sum + tensor.dims.reduce((a, b) => a * b, FLOAT_BYTES), 0);
  const fetched = (name: string): number => manifest.shards.find((shard) => shard.name === name)?.bytes ?? 0;
  return {
    layers,
    layerBytes: Array.from({ length: layers }, (_, layer) => expanded(`layer-${layer}`)),
    shardBytes: Array.from({ length: layers }, (_, layer) => fetched(`layer-${layer}`)),
    embeddingBytes: fetched('embedding'),
    headBytes: expanded('head') + (tiedHead ? hidden * vocabulary * FLOAT_BYTES : 0),
    headShardBytes: fetched('head') + (tiedHead ? fetched('embedding') : 0),
    kvBytes: 2 * kvHeads * headDim * FLOAT_BYTES,
    rowBytes: hidden * FLOAT_BYTES,
  };
}

/** Bytes of weights of layers `[from, to)` with what an end of the model adds. */
export function stageBytes(footprint: ModelFootprint, from: number, to: number): number {
  let bytes = 0;
  for (let layer = from; layer < to; layer++) bytes += footprint.layerBytes[layer] ?? 0;
  if (from === 0) bytes += footprint.embeddingBytes;
  if (to === footprint.layers) bytes += footprint.headBytes;
  return bytes;
}

/** Bytes that a worker has to fetch for layers `[from, to)`; layers in `cached` are there. The ends of the model are taken to be fetched with their layer. */
export function fetchBytes(footprint: ModelFootprint, from: number, to: number, cached: ReadonlySet<number> = new Set()): number {
  let bytes = 0;
  for (let layer = from; layer < to; layer++) if (!cached.has(layer)) bytes += footprint.shardBytes[layer] ?? 0;
  if (from === 0 && !cached.has(0)) bytes += footprint.embeddingBytes;
  if (to === footprint.layers && !cached.has(to - 1)) bytes += footprint.headShardBytes;
  return bytes;
}
