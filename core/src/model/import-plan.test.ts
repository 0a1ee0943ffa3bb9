import { expect, test } from 'vitest';
import { TINY_VOCABULARY, tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { GgufError } from './gguf/gguf-error.ts';
import { parseGguf } from './gguf/parse-gguf.ts';
import { planImport } from './import-plan.ts';
import { ModelError } from './model-error.ts';
import { stopIdsOf } from './stop-ids.ts';
import type { TinyLlama } from '../../../tests/support/tiny-llama.ts';
import type { GgufHeader } from './gguf/gguf-header.ts';
import type { ImportPlan } from './import-plan.ts';

function headerOf(bytes: Uint8Array): GgufHeader {
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error('the header is incomplete');
  return parse.header;
}

function planOf(overrides: Partial<TinyLlama> = {}): ImportPlan {
  return planImport(headerOf(tinyLlamaGguf(overrides)));
}

function refusal(overrides: Partial<TinyLlama>): string {
  try {
    planOf(overrides);
  } catch (error) {
    if (error instanceof ModelError || error instanceof GgufError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('the file was accepted');
}

const number = (key: string, value: number): TinyLlama['metadata'] => ({ [key]: { key, type: 'UINT32', value } });
const float = (key: string, value: number): TinyLlama['metadata'] => ({ [key]: { key, type: 'FLOAT32', value } });
const text = (key: string, value: string): TinyLlama['metadata'] => ({ [key]: { key, type: 'STRING', value } });

test('a llama file gives its architecture numbers', () => {
  expect(planOf().architecture).toEqual({
    family: 'llama', layers: 2, hidden: 32, heads: 4, kvHeads: 2, headDim: 8, feedForward: 64, vocabulary: TINY_VOCABULARY, context: 128,
    ropeBase: 10_000, normEpsilon: Math.fround(1e-5), tiedHead: true,
  });
});

test('shards hold every tensor once, and their ranges hold exactly the bytes of their tensors', () => {
  const bytes = tinyLlamaGguf();
  const header = headerOf(bytes);
  const { shards } = planImport(header);
  expect(shards.map((shard) => shard.name)).toEqual(['embedding', 'layer-0', 'layer-1', 'head']);
  const inFile = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  for (const shard of shards) {
    const content = Buffer.concat(shard.ranges.map((range) => bytes.subarray(range.offset, range.offset + range.length)));
    expect(content.length).toBe(shard.bytes);
    for (const tensor of shard.tensors) {
      const source = inFile.get(tensor.name);
      if (source === undefined) throw new Error(`${tensor.name} is in two shards or in none`);
      inFile.delete(tensor.name);
      expect(content.subarray(tensor.offset, tensor.offset + tensor.bytes).equals(bytes.subarray(source.offset, source.offset + source.bytes))).toBe(true);
    }
  }
  expect([...inFile.keys()]).toEqual([]);
});

test('adjacent tensors share one range and scattered ones get their own', () => {
  expect(planOf().shards.map((shard) => shard.ranges.length)).toEqual([1, 1, 1, 1]);
  const scattered = planOf({ tensors: (all) => [...all.filter((item) => item.name.includes('norm')), ...all.filter((item) => !item.name.includes('norm'))] });
  const layer = scattered.shards.find((shard) => shard.name === 'layer-0');
  expect(layer?.ranges.length).toBe(2);
  expect(layer?.bytes).toBe(planOf().shards[1]?.bytes);
});

test('D2: an untied head holds the output matrix, a tied one only the norm', () => {
  expect(planOf().shards.at(-1)?.tensors.map((tensor) => tensor.name)).toEqual(['output_norm.weight']);
  const untied = planOf({ tiedHead: false });
  expect(untied.architecture.tiedHead).toBe(false);
  expect(untied.shards.at(-1)?.tensors.map((tensor) => tensor.name)).toEqual(['output_norm.weight', 'output.weight']);
});

test('a declared head size may differ from hidden / heads', () => {
  const wide = (all: Parameters<TinyLlama['tensors']>[0]) =>
    all.map((item) => {
      const scale = /attn_[qkv]\.weight/.test(item.name) ? [1, 2] : /attn_output/.test(item.name) ? [2, 1] : [1, 1];
      return { ...item, dims: item.dims.map((size, axis) => Number(size) * (scale[axis] ?? 1)), data: new Uint8Array(item.data.length * (scale[0] ?? 1) * (scale[1] ?? 1)) };
    });
  const keys = { ...number('llama.attention.key_length', 16), ...number('llama.attention.value_length', 16) };
  expect(planOf({ metadata: keys, tensors: wide }).architecture.headDim).toBe(16);
});

test.each<[string, Partial<TinyLlama>, string]>([
  ['another architecture', { metadata: text('general.architecture', 'qwen2') }, 'unsupported-model: The file\'s general.architecture is "qwen2"'],
  ['an adapter', { metadata: text('general.type', 'adapter') }, 'unsupported-model: The file\'s general.type is "adapter"'],
  ['linear RoPE scaling', { metadata: text('llama.rope.scaling.type', 'linear') }, 'unsupported-model: llama.rope.scaling.type is "linear"'],
  ['a RoPE scaling factor', { metadata: float('llama.rope.scaling.factor', 8) }, 'unsupported-model: llama.rope.scaling.factor is 8'],
  ['RoPE scaling tensors', { tensors: (all) => [...all, { name: 'rope_freqs.weight', type: 'F32', dims: [4], data: new Uint8Array(16) }] }, 'unsupported-model: The file holds RoPE scaling factors'],
  ['partial rotation', { metadata: number('llama.rope.dimension_count', 4) }, 'unsupported-model: RoPE turns 4 of 8'],
  ['experts', { metadata: number('llama.expert_count', 8) }, 'unsupported-model: llama.expert_count is 8'],
  ['a sliding window', { metadata: number('llama.attention.sliding_window', 64) }, 'unsupported-model: llama.attention.sliding_window is 64'],
  ['other value sizes', { metadata: number('llama.attention.value_length', 16) }, 'unsupported-model: Keys have 8 elements a head and values 16'],
  ['a bias', { tensors: (all) => [...all, { name: 'blk.0.attn_q.bias', type: 'F32', dims: [32], data: new Uint8Array(128) }] }, 'unsupported-model: The file holds 1 tensors'],
  ['a layer more than declared', { metadata: number('llama.block_count', 1) }, 'unsupported-model: The file holds 9 tensors'],
  ['a missing layer', { metadata: number('llama.block_count', 3) }, 'bad-tensors: The file has no tensor blk.2.attn_norm.weight'],
  ['a missing embedding', { tensors: (all) => all.slice(1) }, 'bad-tensors: The file has no tensor token_embd.weight'],
  ['another width', { metadata: number('llama.feed_forward_length', 96) }, 'bad-tensors: Tensor blk.0.ffn_gate.weight is [32, 64]; the file\'s own numbers call for [32, 96]'],
  ['another vocabulary', { metadata: number('llama.vocab_size', 5) }, 'bad-tensors: Tensor token_embd.weight'],
  ['no layer count', { metadata: { 'llama.block_count': null } }, 'missing-key: GGUF metadata["llama.block_count"]'],
  ['zero layers', { metadata: number('llama.block_count', 0) }, 'bad-value: GGUF metadata["llama.block_count"]'],
  ['4 billion layers', { metadata: number('llama.block_count', 4_000_000_000) }, 'bad-value: GGUF metadata["llama.block_count"]'],
  ['a layer count of text', { metadata: text('llama.block_count', '2') }, 'wrong-key-type: GGUF metadata["llama.block_count"]'],
  ['heads that do not divide the width', { metadata: number('llama.attention.head_count', 5) }, 'bad-value: GGUF metadata["llama.attention.head_count_kv"]'],
  ['kv heads that do not divide the heads', { metadata: number('llama.attention.head_count_kv', 3) }, 'bad-value: GGUF metadata["llama.attention.head_count_kv"]'],
  ['a NaN epsilon', { metadata: float('llama.attention.layer_norm_rms_epsilon', NaN) }, 'bad-value: GGUF metadata["llama.attention.layer_norm_rms_epsilon"]'],
  ['a zero epsilon', { metadata: float('llama.attention.layer_norm_rms_epsilon', 0) }, 'bad-value: GGUF metadata["llama.attention.layer_norm_rms_epsilon"]'],
  ['a negative RoPE base', { metadata: float('llama.rope.freq_base', -1) }, 'bad-value: GGUF metadata["llama.rope.freq_base"]'],
])('a file with %s is refused by name', (_, overrides, expected) => {
  expect(refusal(overrides)).toContain(expected);
});

test('answers end at the tokens the file names and at control tokens known to end one', () => {
  expect(stopIdsOf(headerOf(tinyLlamaGguf()))).toEqual([0, 2]);
  expect(stopIdsOf(headerOf(tinyLlamaGguf({ metadata: number('tokenizer.ggml.eot_token_id', 7) })))).toEqual([0, 2, 7]);
  expect(() => stopIdsOf(headerOf(tinyLlamaGguf({ metadata: number('tokenizer.ggml.eos_token_id', 5_000) })))).toThrow(GgufError);
});
