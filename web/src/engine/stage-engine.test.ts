import { expect, test } from 'vitest';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { PlainTransformer } from './plain-transformer.ts';
import { StageEngine } from './stage-engine.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

const file = tinyLlamaGguf({ layers: 3, hidden: 48, heads: 6, kvHeads: 2, feedForward: 96, context: 256 });
const parsed = parseGguf(file, file.length);
if (parsed.kind !== 'header') throw new Error('the tiny file has a whole header');
const plan = planImport(parsed.header);
const manifest: ModelManifest = {
  format: 1, name: 'tiny', licence: 'mit', file: { name: 'tiny.gguf', sha256: '', bytes: file.length }, ...plan,
  shards: plan.shards.map((shard) => ({ ...shard, sha256: '' })), stopIds: [], calibration: { sha256: '', base64: '' },
};
const { layers, hidden } = manifest.architecture;
const ids = Uint32Array.from({ length: 90 }, (_, i) => (i * 37 + 11) % manifest.architecture.vocabulary);

function shardBytes(name: string): Uint8Array {
  const shard = manifest.shards.find((each) => each.name === name);
  return new Uint8Array(Buffer.concat((shard?.ranges ?? []).map(({ offset, length }) => file.subarray(offset, offset + length))));
}

function load(from: number, to: number, signal = new AbortController().signal): Promise<StageEngine> {
  return StageEngine.load({ manifest, shape: stageShape({ from, to }, layers), shards: async (name) => shardBytes(name), provider: 'wasm', signal });
}

/** Final-norm rows of all ids in runs of the given sizes, through the stages in order. */
async function compute(stages: readonly StageEngine[], runs: readonly number[]): Promise<{ rows: Float32Array; logits?: Float32Array }> {
  for (const stage of stages) stage.openJob('job', ids.length);
  const rows = new Float32Array(ids.length * hidden);
  let logits: Float32Array | undefined;
  let position = 0;
  for (const count of runs) {
    let input: Uint32Array | Float32Array = ids.subarray(position, position + count);
    for (const stage of stages) {
      const output = await stage.run('job', position, input, count, { logits: stage.shape.heads && position + count === ids.length });
      input = output.rows;
      logits = output.logits;
    }
    rows.set(input, position * hidden);
    position += count;
  }
  for (const stage of stages) stage.closeJob('job');
  return { rows, ...(logits && { logits }) };
}

function plainRows(): Float64Array {
  const shape = stageShape({ from: 0, to: layers }, layers);
  const bytes = new Map(manifest.shards.map(({ name }) => [name, shardBytes(name)]));
  const weights = new StageWeights(manifest, shape, bytes);
  const plain = new PlainTransformer(manifest.architecture, shape, (name) => weights.expand(name));
  const embedded = new EmbeddingTable(manifest, shardBytes('embedding')).rows(ids);
  const rows = new Float64Array(embedded.length);
  for (let from = 0; from < rows.length; from += hidden) rows.set(plain.step(embedded.subarray(from, from + hidden)), from);
  return rows;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return most;
}

const chunks = [16, 16, 16, 16, 16, 10];

test('rows equal the plain float64 transformer, in chunks of 16 across a capacity step', async () => {
  await using stages = await open([[0, 3]]);
  const { rows, logits } = await compute(stages.engines, chunks);
  expect(largestDifference(rows, plainRows())).toBeLessThan(5e-6);
  expect(logits).toHaveLength(manifest.architecture.vocabulary);
});

test('a cut between any layers changes no bit', async () => {
  await using whole = await open([[0, 3]]);
  await using parts = await open([[0, 1], [1, 2], [2, 3]]);
  const expected = await compute(whole.engines, chunks);
  const actual = await compute(parts.engines, chunks);
  expect(Buffer.from(actual.rows.buffer).equals(Buffer.from(expected.rows.buffer))).toBe(true);
  expect(actual.logits).toEqual(expected.logits);
});

test('token by token agrees with chunks to float32 rounding, and two jobs do not disturb each other', async () => {
  await using stages = await open([[0, 3]]);
  const [engine] = stages.engines;
  engine?.openJob('other', 64);
  await engine?.run('other', 0, ids.subarray(0, 16), 16);
  const single = await compute(stages.engines, new Array<number>(ids.length).fill(1));
  const chunked = await compute(stages.engines, chunks);
  expect(largestDifference(single.rows, chunked.rows)).toBeLessThan(5e-6);
});

test('a cut cache recomputes the same rows', async () => {
  await using stages = await open([[0, 3]]);
  const [engine] = stages.engines;
  if (!engine) throw new Error('one stage was opened');
  engine.openJob('job', 90);
  for (let position = 0; position < 64; position += 16) await engine.run('job', position, ids.subarray(position, position + 16), 16);
  const first = await engine.run('job', 64, ids.subarray(64, 80), 16);
  engine.truncate('job', 64);
  const again = await engine.run('job', 64, ids.subarray(64, 80), 16);
  expect(again.rows).toEqual(first.rows);
  expect(engine.length('job')).toBe(80);
});

test('a position that is not the cache length is a stale cache', async () => {
  await using stages = await open([[0, 3]]);
  const [engine] = stages.engines;
  engine?.openJob('job', 32);
  await expect(engine?.run('job', 1, ids.subarray(0, 1), 1)).rejects.toMatchObject({ code: 'stale-cache', fields: { position: 1, held: 0 } });
});

test('memory counts weights, embedding rows and open jobs, and falls when a job closes', async () => {
  await using stages = await open([[0, 1]]);
  const [engine] = stages.engines;
  const before = engine?.heldBytes ?? 0;
  engine?.openJob('job', 65);
  // 65 positions take two capacity steps: 2 x 1 layer x 2 heads x 128 positions x 8 wide x 4 bytes.
  expect((engine?.heldBytes ?? 0) - before).toBe(2 * 2 * 128 * 8 * 4);
  engine?.closeJob('job');
  expect(engine?.heldBytes).toBe(before);
  expect(engine?.peakBytes).toBe(before + 2 * 2 * 128 * 8 * 4);
});

test('positions of several jobs in one run agree with those of each alone to float32 rounding, logits too, and runs alone keep their bits', async () => {
  await using stages = await open([[0, 3]]);
  const [engine] = stages.engines;
  if (!engine) throw new Error('one stage was opened');
  // Lengths on both sides of a capacity step, as jobs of different ages have.
  const jobs = [{ key: 'a', from: 3 }, { key: 'b', from: 63 }, { key: 'c', from: 70 }];
  const open3 = async (): Promise<void> => {
    for (const { key, from } of jobs) {
      engine.closeJob(key);
      engine.openJob(key, ids.length);
      for (let position = 0; position < from; position += 16) await engine.run(key, position, ids.subarray(position, Math.min(from, position + 16)), Math.min(16, from - position));
    }
  };
  const STEPS = 5;
  const alone: { rows: Float32Array; logits: Float32Array }[] = [];
  await open3();
  for (const { key, from } of jobs) {
    for (let step = 0; step < STEPS; step++) {
      const { rows, logits } = await engine.run(key, from + step, ids.subarray(from + step, from + step + 1), 1, { logits: true });
      alone.push({ rows, logits: logits ?? new Float32Array() });
    }
  }
  await open3();
  for (let step = 0; step < STEPS; step++) {
    const outputs = await engine.runBatch(jobs.map(({ key, from }) => ({ jobKey: key, position: from + step, input: ids.subarray(from + step, from + step + 1), logits: true })));
    expect(outputs).toHaveLength(3);
    for (const [index, output] of outputs.entries()) {
      const expected = alone[index * STEPS + step];
      expect(largestDifference(output.rows, expected?.rows ?? [])).toBeLessThan(5e-6);
      expect(largestDifference(output.logits ?? [], expected?.logits ?? [])).toBeLessThan(2e-5);
      expect(output.computeMs).toBe(outputs[0]?.computeMs);
    }
  }
  await open3();
  const again = await engine.run('b', 63, ids.subarray(63, 64), 1, { logits: true });
  expect(again.rows).toEqual(alone[STEPS]?.rows);
  expect(again.logits).toEqual(alone[STEPS]?.logits);
});

test('loading stops when it is aborted, and a disposed stage refuses', async () => {
  await expect(load(0, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  const engine = await load(0, 1);
  await engine.dispose();
  expect(() => engine.openJob('job', 1)).toThrowError(/disposed/);
});

test('quantised shards are detached once they are expanded, the embedding of a first stage is kept', async () => {
  const given = new Map<string, Uint8Array>();
  const shape = stageShape({ from: 0, to: 2 }, layers);
  const shards = async (name: string): Promise<Uint8Array> => {
    const bytes = Uint8Array.from(shardBytes(name));
    given.set(name, bytes);
    return bytes;
  };
  const engine = await StageEngine.load({ manifest, shape, shards, provider: 'wasm', signal: new AbortController().signal });
  expect(given.get('layer-0')?.byteLength).toBe(0);
  expect(given.get('embedding')?.byteLength).toBeGreaterThan(0);
  await engine.dispose();
});

async function open(ranges: readonly (readonly [number, number])[]): Promise<{ engines: StageEngine[] } & AsyncDisposable> {
  const engines: StageEngine[] = [];
  for (const [from, to] of ranges) engines.push(await load(from, to));
  return {
    engines,
    [Symbol.asyncDispose]: async () => {
      for (const engine of engines) await engine.dispose();
    },
  };
}
