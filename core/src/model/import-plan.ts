import { llamaArchitecture } from './llama-architecture.ts';
import { llamaShards } from './llama-tensors.ts';
import { ModelError } from './model-error.ts';
import type { Architecture } from './architecture.ts';
import type { GgufHeader, GgufTensor } from './gguf/gguf-header.ts';
import type { ExpectedTensor } from './llama-tensors.ts';
import type { ByteRange, Shard, ShardTensor } from './manifest.ts';

/** A shard before its bytes were hashed. */
export type PlannedShard = Omit<Shard, 'sha256'>;

/** What a GGUF file becomes: the numbers of its graph and where each shard's bytes lie. */
export interface ImportPlan {
  readonly architecture: Architecture;
  /** `embedding`, `layer-0` … `layer-(L-1)`, `head`. */
  readonly shards: readonly PlannedShard[];
}

/**
 * Plans the import of a parsed file.
 *
 * @throws ModelError `unsupported-model` when Ciro has no graph for it, `bad-tensors` when a tensor is missing,
 *   has the wrong sizes or isn't part of a llama model
 * @throws GgufError when a metadata key is missing or out of bounds
 */
export function planImport(header: GgufHeader): ImportPlan {
  const architecture = llamaArchitecture(header);
  const byName = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  const shards = llamaShards(architecture).map((shard) => {
    const tensors = shard.tensors.map((expected) => takeTensor(byName, expected));
    return { name: shard.name, ...layOut(tensors, header.alignmentBytes) };
  });
  const left = [...byName.keys()];
  if (left.length > 0) {
    // A bias, a norm or an adapter that the graph would leave out: the answers would be wrong without any sign of it.
    throw new ModelError(
      'unsupported-model',
      `The file holds ${left.length} tensors that a plain llama model doesn't have, such as ${JSON.stringify(left[0])}. Ciro would have to ignore them.`,
      { fault: 'user', fields: { tensor: left[0], count: left.length } },
    );
  }
  return { architecture, shards };
}

function takeTensor(byName: Map<string, GgufTensor>, expected: ExpectedTensor): GgufTensor {
  const tensor = byName.get(expected.name);
  if (tensor === undefined) {
    throw new ModelError('bad-tensors', `The file has no tensor ${expected.name}, which its own layer count calls for. Fetch it again.`, {
      fault: 'user',
      fields: { tensor: expected.name },
    });
  }
  byName.delete(expected.name);
  if (!sameSizes(tensor.dims, expected.dims)) {
    throw new ModelError(
      'bad-tensors',
      `Tensor ${expected.name} is [${tensor.dims.join(', ')}]; the file's own numbers call for [${expected.dims.join(', ')}]. Fetch it again.`,
      { fault: 'user', fields: { tensor: expected.name, dims: tensor.dims, expected: expected.dims } },
    );
  }
  return { ...tensor, dims: expected.dims };
}

/** Converters may write a vector as [n, 1]. */
function sameSizes(actual: readonly number[], expected: readonly number[]): boolean {
  const axes = Math.max(actual.length, expected.length);
  return Array.from({ length: axes }, (_, axis) => (actual[axis] ?? 1) === (expected[axis] ?? 1)).every(Boolean);
}

/** Byte ranges of a shard in file order. Tensors with only alignment padding between them share a range, padding included. */
function layOut(tensors: readonly GgufTensor[], alignmentBytes: number): Omit<PlannedShard, 'name'> {
  const ranges: ByteRange[] = [];
  const placed: ShardTensor[] = [];
  let bytes = 0;
  for (const tensor of [...tensors].sort((left, right) => left.offset - right.offset)) {
    const last = ranges.at(-1);
    const gap = last === undefined ? Infinity : tensor.offset - (last.offset + last.length);
    if (last !== undefined && gap < alignmentBytes) {
      ranges[ranges.length - 1] = { offset: last.offset, length: last.length + gap + tensor.bytes };
      bytes += gap;
    } else {
      ranges.push({ offset: tensor.offset, length: tensor.bytes });
    }
    placed.push({ name: tensor.name, type: tensor.type, dims: tensor.dims, offset: bytes, bytes: tensor.bytes });
    bytes += tensor.bytes;
  }
  return { bytes, ranges, tensors: placed };
}
