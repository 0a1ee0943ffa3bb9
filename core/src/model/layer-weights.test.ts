import { expect, test } from 'vitest';
import { EmbeddingTable } from './embedding-table.ts';
import { StageWeights } from './layer-weights.ts';
import { stageShape } from './architecture.ts';
import type { Architecture } from './architecture.ts';
import type { ModelManifest, Shard } from './manifest.ts';

const architecture: Architecture = {
  family: 'llama', layers: 1, hidden: 4, heads: 2, kvHeads: 1, headDim: 4, feedForward: 3, vocabulary: 16,
  context: 8, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};

/** A float32 shard whose element (row, column) of tensor number n is 1000 n + 10 row + column. */
function shardOf(name: string, tensors: readonly (readonly [string, number, number])[]): { shard: Shard; bytes: Uint8Array } {
  let offset = 0;
  const placed = tensors.map(([tensor, width, rows]) => {
    const bytes = 4 * width * rows;
    offset += bytes;
    return { name: tensor, type: 'F32' as const, dims: rows === 1 ? [width] : [width, rows], offset: offset - bytes, bytes };
  });
  const values = tensors.flatMap(([, width, rows], n) => Array.from({ length: width * rows }, (_, i) => 1000 * (n + 1) + 10 * Math.floor(i / width) + (i % width)));
  return { shard: { name, sha256: '', bytes: offset, ranges: [], tensors: placed }, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

const parts = [
  shardOf('embedding', [['token_embd.weight', 4, 16]]),
  shardOf('layer-0', [
    ['blk.0.attn_q.weight', 4, 8], ['blk.0.attn_k.weight', 4, 4], ['blk.0.attn_v.weight', 4, 4], ['blk.0.attn_output.weight', 8, 4],
    ['blk.0.ffn_gate.weight', 4, 3], ['blk.0.ffn_up.weight', 4, 3], ['blk.0.ffn_down.weight', 3, 4],
    ['blk.0.attn_norm.weight', 4, 1], ['blk.0.ffn_norm.weight', 4, 1],
  ]),
  shardOf('head', [['output_norm.weight', 4, 1]]),
];
const manifest: ModelManifest = {
  format: 1, name: 'tiny', licence: '', file: { name: '', sha256: '', bytes: 0 }, architecture,
  shards: parts.map(({ shard }) => shard), stopIds: [], calibration: { sha256: '', base64: '' },
};
const bytes = new Map(parts.map(({ shard, bytes: own }) => [shard.name, own]));
const weights = new StageWeights(manifest, stageShape({ from: 0, to: 1 }, 1), bytes);

/** First element of each row. */
function rowStarts(name: string, width: number): number[] {
  return [...weights.expand(name)].filter((_, i) => i % width === 0);
}

test('query and key rows are put from interleaved into half-split order, value rows stay', () => {
  expect(rowStarts('layer-0.qkv', 4)).toEqual([
    1000, 1020, 1010, 1030, 1040, 1060, 1050, 1070,
    2000, 2020, 2010, 2030,
    3000, 3010, 3020, 3030,
  ]);
});

test('gate and up lie below each other, and a row keeps its order', () => {
  expect(rowStarts('layer-0.gate_up', 4)).toEqual([5000, 5010, 5020, 6000, 6010, 6020]);
  expect([...weights.expand('layer-0.down').subarray(0, 3)]).toEqual([7000, 7001, 7002]);
});

test('a tied head is the embedding, in slices that cover it once', () => {
  const slices = [0, 2, 4, 6, 8, 10, 12, 14].map((first) => weights.expand(`head.${first}`)[0]);
  expect(slices).toEqual([1000, 1020, 1040, 1060, 1080, 1100, 1120, 1140]);
  expect(weights.shardOf('head.2')).toBe('embedding');
  expect([...weights.expand('final_norm')]).toEqual([1000, 1001, 1002, 1003]);
});

test('embedding rows equal the matrix rows, and an id outside the vocabulary is refused', () => {
  const table = new EmbeddingTable(manifest, bytes.get('embedding') ?? new Uint8Array());
  expect([...table.rows(Uint32Array.of(15, 0))]).toEqual([1150, 1151, 1152, 1153, 1000, 1001, 1002, 1003]);
  expect(() => table.rows(Uint32Array.of(16))).toThrowErrorMatchingInlineSnapshot(
    `[EngineError: Token id 16 is outside the vocabulary of 16; tokenise with this model's tokenizer.]`,
  );
});

test('missing or short shards and names outside the graph are named', () => {
  const shape = stageShape({ from: 0, to: 1 }, 1);
  expect(() => new StageWeights(manifest, shape, new Map())).toThrowErrorMatchingInlineSnapshot(
    `[EngineError: embedding has no bytes, not 256; fetch the shards of this stage again or check the manifest.]`,
  );
  expect(() => weights.expand('layer-0.bias')).toThrowError(/layer-0.bias is not a weight/);
  expect(() => weights.expand('layer-1.qkv')).toThrowError(/blk.1.attn_q.weight is not in the shards/);
});
