import { expect, it } from 'vitest';
import { fetchBytes, modelFootprint, stageBytes } from './model-footprint.ts';
import { MANIFEST } from './workers.fixture.ts';

it('layers and head count as float32, the embedding as it is in the file', () => {
  expect(modelFootprint(MANIFEST)).toEqual({ layers: 6, layerBytes: new Array(6).fill(4_000), shardBytes: new Array(6).fill(500), embeddingBytes: 100, headBytes: 8_000, headShardBytes: 140, kvBytes: 32, rowBytes: 40 });
});

it('a head of its own is counted by its tensors', () => {
  const untied = { ...MANIFEST, architecture: { ...MANIFEST.architecture, tiedHead: false }, shards: MANIFEST.shards.map((shard) => (shard.name === 'head' ? { ...shard, tensors: [{ name: 'output.weight', type: 'Q6_K' as const, dims: [10, 200], offset: 0, bytes: 900 }] } : shard)) };
  expect(modelFootprint(untied).headBytes).toBe(8_000);
});

it('an end of the model costs its embedding or head on top of its layers', () => {
  const footprint = modelFootprint(MANIFEST);
  expect([stageBytes(footprint, 0, 2), stageBytes(footprint, 2, 4), stageBytes(footprint, 4, 6), stageBytes(footprint, 0, 6)]).toEqual([8_100, 8_000, 16_000, 32_100]);
});

it('what is fetched is the shards as they are in the file, but for layers that are cached', () => {
  const footprint = modelFootprint(MANIFEST);
  expect([fetchBytes(footprint, 0, 2), fetchBytes(footprint, 2, 4), fetchBytes(footprint, 4, 6)]).toEqual([1_100, 1_000, 1_140]);
  expect([fetchBytes(footprint, 0, 2, new Set([0])), fetchBytes(footprint, 4, 6, new Set([5]))]).toEqual([500, 500]);
});
