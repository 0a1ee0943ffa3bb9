/**
 * The seam of every cheat with other weights: between the checked shards and the engine. The cheat's matrices are handed on
 * as float32 shards, so the same engine runs them, in Node and in a tab.
 */
import { dequantise } from '@ciro/core/model/quantisation/dequantise.ts';
import type { ModelManifest, Shard, ShardTensor } from '@ciro/core/model/manifest.ts';

/** One weight as the cheat is given it. `values` is row-major, `dims[0]` the contiguous axis, as in GGUF. */
export interface Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** What a cheat does to a stage's weights. */
export interface WeightCheat {
  readonly kind: 'weights';
  /** Changes one weight in place. Vectors (norm gains) come too. */
  change(weight: Weight): void;
  /** The layer whose weights are used in the place of `layer`; itself when absent. */
  source?(layer: number, range: { readonly from: number; readonly to: number }): number;
}

/** Manifest and shards of one stage as the engine is given them. */
export interface StageWeightsSource {
  readonly manifest: ModelManifest;
  readonly shape: { readonly from: number; readonly to: number };
  readonly shards: (name: string) => Promise<Uint8Array>;
}

/** The same stage with the cheat's weights. Shards keep their names; hashes are left as they were, nobody reads them here. */
export function withWeights<Source extends StageWeightsSource>(source: Source, cheat: WeightCheat): Source {
  const { manifest, shape } = source;
  const byName = new Map(manifest.shards.map((shard) => [shard.name, shard]));
  const expanded = manifest.shards.map(expandedShard);
  const sourceOf = (name: string): string => {
    const layer = /^layer-(\d+)$/.exec(name)?.[1];
    return layer === undefined || cheat.source === undefined ? name : `layer-${cheat.source(Number(layer), shape)}`;
  };
  return {
    ...source,
    manifest: { ...manifest, shards: expanded },
    shards: async (name: string) => {
      const from = byName.get(sourceOf(name));
      const to = expanded.find((shard) => shard.name === name);
      if (from === undefined || to === undefined) throw new RangeError(`${manifest.name} has no shard ${name}`);
      return recode(from, await source.shards(from.name), to, cheat);
    },
  };
}

/** A shard's tensors as float32, one behind the other. */
function expandedShard(shard: Shard): Shard {
  let offset = 0;
  const tensors = shard.tensors.map((tensor): ShardTensor => {
    const bytes = 4 * elementsOf(tensor);
    offset += bytes;
    return { ...tensor, type: 'F32', offset: offset - bytes, bytes };
  });
  return { ...shard, tensors, bytes: offset };
}

function recode(from: Shard, bytes: Uint8Array, to: Shard, cheat: WeightCheat): Uint8Array {
  const out = new Uint8Array(to.bytes);
  for (const [index, tensor] of from.tensors.entries()) {
    // Layers list their tensors in file order, which is the same in each of them; the part after `blk.N.` says which.
    const target = to.tensors.find((each) => partOf(each.name) === partOf(tensor.name)) ?? to.tensors[index];
    if (target === undefined) throw new RangeError(`shard ${to.name} has no ${tensor.name}`);
    const values = new Float32Array(out.buffer, target.offset, target.bytes / 4);
    dequantise(tensor.type, bytes.subarray(tensor.offset, tensor.offset + tensor.bytes), values);
    cheat.change({ name: target.name, dims: target.dims, values });
  }
  return out;
}

const elementsOf = (tensor: ShardTensor): number => tensor.dims.reduce((product, dim) => product * dim, 1);
const partOf = (name: string): string => name.replace(/^blk\.\d+\./, '');
