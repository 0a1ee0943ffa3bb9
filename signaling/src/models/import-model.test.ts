import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { GgufError } from '@ciro/core/model/gguf/gguf-error.ts';
import { ModelError } from '@ciro/core/model/model-error.ts';
import { parseManifest } from '@ciro/core/model/parse-manifest.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { importModel, servedName } from './import-model.ts';
import { ModelRegistry } from './model-registry.ts';
import { ModelsError } from './models-error.ts';
import type { TinyLlama } from '../../../tests/support/tiny-llama.ts';
import type { ImportOptions } from './import-model.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A table of the tiny model's size; the real one is made in calibrate.test.ts. */
function flatTable(): Uint8Array {
  const rows = new Int8Array(4 * 32);
  return encodeCalibration({ version: 1, hidden: 32, exponents: rows, exponentsAtZero: rows, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 });
}

interface Setup {
  readonly folder: string;
  readonly options: ImportOptions;
  /** What each import had to do. */
  readonly work: string[];
  write(name: string, overrides?: Partial<TinyLlama>): Promise<string>;
}

async function setup(): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-import-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const work: string[] = [];
  return {
    folder,
    work,
    options: {
      cache: join(folder, 'cache'),
      onProgress: (progress) => work.push(progress.step),
      calibrate: async () => {
        work.push('calibrated');
        return flatTable();
      },
    },
    async write(name, overrides = {}) {
      const path = join(folder, name);
      await writeFile(path, tinyLlamaGguf(overrides));
      return path;
    },
  };
}

test('a file becomes a manifest whose hashes are those of its bytes', async () => {
  const { options, write } = await setup();
  const path = await write('Tiny Model.Q4_1.gguf', { tiedHead: false });
  const bytes = await readFile(path);
  const { manifest, tokenizer, template } = await importModel(path, options);
  expect(manifest).toMatchObject({ name: 'tiny-model-q4_1', licence: 'mit', file: { name: 'Tiny Model.Q4_1.gguf', sha256: sha256(bytes), bytes: bytes.length }, stopIds: [0, 2] });
  for (const shard of manifest.shards) {
    const content = Buffer.concat(shard.ranges.map((range) => bytes.subarray(range.offset, range.offset + range.length)));
    expect(sha256(content)).toBe(shard.sha256);
  }
  expect(parseManifest(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest);
  expect(tokenizer.encodePrompt(template.render([{ role: 'user', content: 'hello' }])).length).toBeGreaterThan(5);
});

test('scattered shards are hashed range by range in one pass', async () => {
  const { options, write } = await setup();
  const path = await write('scattered.gguf', {
    tensors: (all) => [...all.filter((item) => item.name.includes('ffn')), ...all.filter((item) => !item.name.includes('ffn'))],
  });
  const bytes = await readFile(path);
  const { manifest } = await importModel(path, options);
  expect(Math.max(...manifest.shards.map((shard) => shard.ranges.length))).toBeGreaterThan(1);
  for (const shard of manifest.shards) {
    expect(sha256(Buffer.concat(shard.ranges.map((range) => bytes.subarray(range.offset, range.offset + range.length))))).toBe(shard.sha256);
  }
});

test('a second import neither hashes nor calibrates; a changed file does both again', async () => {
  const { options, write, work } = await setup();
  const path = await write('tiny.gguf');
  const first = await importModel(path, options);
  expect(new Set(work)).toEqual(new Set(['hash', 'calibrated']));
  work.length = 0;
  expect((await importModel(path, options)).manifest).toEqual(first.manifest);
  expect(work).toEqual([]);
  await write('tiny.gguf', { seed: 2 });
  const changed = await importModel(path, options);
  expect(changed.manifest.file.sha256).not.toBe(first.manifest.file.sha256);
  expect(new Set(work)).toEqual(new Set(['hash', 'calibrated']));
});

test('damaged cache files are made again', async () => {
  const { folder, options, write, work } = await setup();
  const path = await write('tiny.gguf');
  const { manifest } = await importModel(path, options);
  const models = join(folder, 'cache', 'models', manifest.file.sha256);
  const [record = ''] = await readdir(models);
  await writeFile(join(models, record), '{"plan":');
  work.length = 0;
  expect((await importModel(path, options)).manifest).toEqual(manifest);
  expect(work).toContain('calibrated');
});

test.each<[string, (bytes: Uint8Array) => Uint8Array, new (...args: never[]) => Error, string]>([
  ['an empty file', () => new Uint8Array(0), GgufError, 'GGUF magic: truncated'],
  ['another format', () => Buffer.from('PK\u0003\u0004'.padEnd(100)), GgufError, 'GGUF magic: bad-magic'],
  ['half a file', (bytes) => bytes.subarray(0, bytes.length / 2), GgufError, 'past-end-of-file'],
  ['a file cut in its header', (bytes) => bytes.subarray(0, 900), GgufError, 'truncated'],
])('%s is refused with the field named', async (_, damage, type, expected) => {
  const { folder, options } = await setup();
  const path = join(folder, 'bad.gguf');
  await writeFile(path, damage(tinyLlamaGguf()));
  await expect(importModel(path, options)).rejects.toThrow(type);
  await expect(importModel(path, options)).rejects.toThrow(expected);
});

test('a folder, a missing file and another family are refused by name', async () => {
  const { folder, options, write } = await setup();
  await expect(importModel(folder, options)).rejects.toThrow(ModelsError);
  await expect(importModel(join(folder, 'none.gguf'), options)).rejects.toThrow("none.gguf can't be read");
  const qwen = await write('q.gguf', { metadata: { 'general.architecture': { key: 'general.architecture', type: 'STRING', value: 'qwen2' } } });
  await expect(importModel(qwen, options)).rejects.toThrow(ModelError);
  const short = await write('s.gguf', { metadata: { 'tokenizer.ggml.tokens': { key: 'tokenizer.ggml.tokens', type: 'STRING', array: ['a'] } } });
  await expect(importModel(short, options)).rejects.toThrow(ModelsError);
});

test('a huge claimed header neither fills the memory nor hangs', async () => {
  const { folder, options } = await setup();
  const path = join(folder, 'huge.gguf');
  const bytes = Buffer.alloc(64);
  bytes.write('GGUF');
  bytes.writeUInt32LE(3, 4);
  bytes.writeBigUInt64LE(2n ** 62n, 8);
  await writeFile(path, bytes);
  await expect(importModel(path, options)).rejects.toThrow('GGUF tensor_count: limit-exceeded');
});

test('served names are made of the file name', () => {
  expect(servedName('/models/SmolLM2-135M-Instruct.Q4_1.gguf')).toBe('smollm2-135m-instruct-q4_1');
  expect(servedName('模型.gguf')).toBe('model');
});

test('a registry serves several models by name, id and as default', async () => {
  const { options, write } = await setup();
  const registry = new ModelRegistry(options);
  const one = await registry.add(await write('one.gguf'));
  const two = await registry.add(await write('two.gguf', { seed: 9 }));
  expect(registry.list()).toEqual([one, two]);
  expect([registry.get('default'), registry.get('two'), registry.get(two.id), registry.get('three')]).toEqual([one, two, two, undefined]);
  expect(await registry.add(await write('one.gguf'))).toBe(one);
  expect(registry.list().length).toBe(2);
  await expect(registry.add(await write('one.gguf', { seed: 5 }))).rejects.toMatchObject({ code: 'name-taken' });
});

test('a shard is read whole, in part and as a stream, and unknown ones are refused', async () => {
  const { options, write } = await setup();
  const registry = new ModelRegistry(options);
  const scattered = (all: Parameters<TinyLlama['tensors']>[0]) => [...all.filter((item) => item.name.includes('ffn')), ...all.filter((item) => !item.name.includes('ffn'))];
  const model = await registry.add(await write('one.gguf', { tensors: scattered }));
  const shard = model.manifest.shards.find((each) => each.ranges.length > 1);
  if (shard === undefined) throw new Error('no shard is scattered');
  const whole = await model.readShard(shard.sha256);
  expect(sha256(whole)).toBe(shard.sha256);
  expect(registry.withShard(shard.sha256)).toBe(model);
  expect(await buffer(model.streamShard(shard.sha256))).toEqual(Buffer.from(whole));
  const seam = shard.ranges[0]?.length ?? 0;
  for (const [from, to] of [[0, 1], [seam - 3, seam + 5], [seam, shard.bytes], [shard.bytes - 1, shard.bytes]] as const) {
    expect(await buffer(model.streamShard(shard.sha256, from, to))).toEqual(Buffer.from(whole.subarray(from, to)));
  }
  for (const [from, to] of [[5, 5], [-1, 5], [0, shard.bytes + 1], [0.5, 3]] as const) {
    expect(() => model.streamShard(shard.sha256, from, to)).toThrow(ModelsError);
  }
  expect(() => model.readShard('0'.repeat(64))).toThrow(ModelsError);
});
