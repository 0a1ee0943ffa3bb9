import { sha256 } from '@noble/hashes/sha2.js';
import { expect, test } from 'vitest';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { toBase64, toHex } from '../bytes.ts';
import { encodeCalibration } from './calibration-codec.ts';
import { parseGguf } from './gguf/parse-gguf.ts';
import { planImport } from './import-plan.ts';
import { ModelError } from './model-error.ts';
import { modelIdOf } from './model-id.ts';
import { calibrationOf, parseManifest } from './parse-manifest.ts';
import type { ModelManifest } from './manifest.ts';

const calibrationBytes = (() => {
  const rows = new Int8Array(4 * 32);
  return encodeCalibration({ version: 1, hidden: 32, exponents: rows, exponentsAtZero: rows, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -6 });
})();

function setup(): ModelManifest {
  const bytes = tinyLlamaGguf();
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error('the header is incomplete');
  const plan = planImport(parse.header);
  return {
    format: 1,
    name: 'tiny-llama',
    licence: 'mit',
    file: { name: 'tiny.gguf', sha256: toHex(sha256(bytes)), bytes: bytes.length },
    architecture: plan.architecture,
    shards: plan.shards.map((shard) => ({ ...shard, sha256: toHex(sha256(bytes.subarray(shard.ranges[0]?.offset ?? 0, (shard.ranges[0]?.offset ?? 0) + shard.bytes))) })),
    stopIds: [0, 2],
    calibration: { sha256: toHex(sha256(calibrationBytes)), base64: toBase64(calibrationBytes) },
  };
}

/** The manifest as JSON with one place replaced, as a server might send it. */
function withPlace(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(setup()));
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  keys.reduce((node, key) => node[key], copy)[last] = value;
  return copy;
}

test('a manifest that went through JSON is accepted unchanged and keeps its id', () => {
  const manifest = setup();
  const received = parseManifest(JSON.parse(JSON.stringify(manifest)));
  expect(received).toEqual(manifest);
  expect(modelIdOf(received)).toBe(modelIdOf(manifest));
  expect(modelIdOf(manifest)).toMatch(/^[0-9a-f]{64}$/);
  expect(calibrationOf(received).hidden).toBe(32);
});

test('the id does not depend on the order of keys, and changes with any value', () => {
  const manifest = setup();
  const reversed: unknown = Object.fromEntries(Object.entries(manifest).reverse());
  expect(modelIdOf(parseManifest(reversed))).toBe(modelIdOf(manifest));
  expect(modelIdOf({ ...manifest, stopIds: [2] })).not.toBe(modelIdOf(manifest));
});

test.each<[string, string, unknown]>([
  ['format', 'format', 2],
  ['file.sha256', 'file.sha256', 'ABC'],
  ['extra', 'extra', true],
  ['architecture.layers', 'architecture.layers', 1_000_000],
  ['architecture.headDim', 'architecture.headDim', 7],
  ['architecture.ropeBase', 'architecture.ropeBase', null],
  ['architecture', 'architecture.kvHeads', 3],
  ['shards', 'shards', []],
  ['shards.0.name', 'shards.0.name', '../etc'],
  ['shards[1].name', 'shards.1.name', 'layer-1'],
  ['shards[0].ranges', 'shards.0.ranges.0.offset', 2 ** 40],
  ['shards[0].bytes', 'shards.0.bytes', 5],
  ['shards[0].tensors', 'shards.0.tensors', []],
  ['shards[0].tensors[token_embd.weight].dims', 'shards.0.tensors.0.dims', [32, 2 ** 30]],
  ['shards[0].tensors[token_embd.weight].bytes', 'shards.0.tensors.0.offset', 4],
  ['shards[0].tensors[token_embd.weight].bytes', 'shards.0.tensors.0.type', 'Q8_0'],
  ['stopIds', 'stopIds', [100_000]],
  ['calibration.base64', 'calibration.base64', '????'],
  ['calibration.sha256', 'calibration.base64', 'AAAA'],
])('%s is refused by name', (field, path, value) => {
  let refused: unknown;
  try {
    parseManifest(withPlace(path, value));
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(ModelError);
  expect(refused).toMatchObject({ code: 'bad-manifest', fields: { field } });
});

test('values that are no manifest at all are refused without a crash', () => {
  for (const value of [undefined, null, 5, 'x', [], new Map()]) expect(() => parseManifest(value)).toThrow(ModelError);
});
