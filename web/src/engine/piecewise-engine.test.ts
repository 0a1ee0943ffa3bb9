import { expect, test } from 'vitest';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { PiecewiseEngine } from './piecewise-engine.ts';
import { StageEngine } from './stage-engine.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

const file = tinyLlamaGguf({ layers: 3, hidden: 48, heads: 6, kvHeads: 2, feedForward: 96, context: 256 });
const parsed = parseGguf(file, file.length);
if (parsed.kind !== 'header') throw new Error('the tiny file has a whole header');
const plan = planImport(parsed.header);
const manifest: ModelManifest = {
  format: 1, name: 'tiny', licence: 'mit', file: { name: 'tiny.gguf', sha256: '', bytes: file.length }, ...plan,
  shards: plan.shards.map((shard) => ({ ...shard, sha256: '' })), stopIds: [], calibration: { sha256: '', base64: '' },
};
const { layers, hidden, vocabulary } = manifest.architecture;
const ids = Uint32Array.from({ length: 90 }, (_, i) => (i * 37 + 11) % vocabulary);
const CHUNK = 16;

function shardBytes(name: string): Uint8Array {
  const shard = manifest.shards.find((each) => each.name === name);
  return new Uint8Array(Buffer.concat((shard?.ranges ?? []).map(({ offset, length }) => file.subarray(offset, offset + length))));
}

function setup(from: number, to: number, signal = new AbortController().signal) {
  const shape = stageShape({ from, to }, layers);
  const options = { manifest, shape, shards: async (name: string) => shardBytes(name), provider: 'wasm' as const, signal };
  const scene = { turns: 0, running: 0, most: 0 };
  const turn = async <Result>(task: () => Promise<Result>): Promise<Result> => {
    scene.turns++;
    scene.most = Math.max(scene.most, ++scene.running);
    try {
      return await task();
    } finally {
      scene.running--;
    }
  };
  return { shape, options, scene, load: () => PiecewiseEngine.load({ ...options, turn }) };
}

/** Rows of all positions in chunks of 16, from position 0. */
async function rowsOf(run: (position: number, input: Uint32Array | Float32Array, count: number) => Promise<Float32Array>, input: Uint32Array | Float32Array, width: number): Promise<Float32Array> {
  const rows = new Float32Array(ids.length * hidden);
  for (let position = 0; position < ids.length; position += CHUNK) {
    const count = Math.min(CHUNK, ids.length - position);
    rows.set(await run(position, input.subarray(position * width, (position + count) * width), count), position * hidden);
  }
  return rows;
}

test('a stage that is run piece by piece gives the bits that it gives as a whole, over a capacity step, and the same logits', async () => {
  let given: Uint32Array | Float32Array = ids;
  for (const [from, to] of [[0, 1], [1, 3]] as const) {
    const { options, load } = setup(from, to);
    const whole = await StageEngine.load(options);
    const pieces = await load();
    const width = from === 0 ? 1 : hidden;
    whole.openJob('job', ids.length);
    pieces.open(ids.length);
    let logits: Float32Array | undefined;
    const expected: Float32Array = await rowsOf(async (position, input, count) => {
      const output = await whole.run('job', position, input, count, { logits: options.shape.heads });
      logits = output.logits;
      return output.rows;
    }, given, width);
    expect(await rowsOf((position, input, count) => pieces.run(position, input, count), given, width)).toEqual(expected);
    if (options.shape.heads) expect(await pieces.logits(expected.subarray(-hidden))).toEqual(logits);
    await whole.dispose();
    await pieces.dispose();
    given = expected;
  }
});

test('every layer is loaded and run in a turn of its own, and every slice of the head', async () => {
  const { scene, load } = setup(0, 3);
  const engine = await load();
  // Three layers and the head in its slices.
  const loaded = scene.turns;
  expect(loaded).toBeGreaterThan(3 + 4);
  engine.open(16);
  await engine.run(0, ids.subarray(0, 16), 16);
  expect(scene.turns).toBe(loaded + 3);
  await engine.logits(new Float32Array(hidden));
  expect(scene.turns).toBe(loaded + 3 + (loaded - 3));
  expect(scene.most).toBe(1);
  await engine.dispose();
});

test('what an engine holds is known before it is loaded, caches included', async () => {
  for (const [from, to] of [[0, 1], [1, 2], [2, 3], [0, 3]] as const) {
    const { shape, load } = setup(from, to);
    const engine = await load();
    engine.open(100);
    expect(engine.heldBytes).toBe(PiecewiseEngine.bytesFor(manifest, shape, 100));
    engine.close();
    expect(engine.heldBytes).toBeLessThan(PiecewiseEngine.bytesFor(manifest, shape, 100));
    await engine.dispose();
    expect(engine.heldBytes).toBe(0);
  }
});

test('an engine may be used for one audit after the other', async () => {
  const engine = await setup(0, 2).load();
  const answers: Float32Array[] = [];
  for (let audit = 0; audit < 2; audit++) {
    engine.open(32);
    answers.push(await engine.run(0, ids.subarray(0, 16), 16));
    engine.close();
  }
  expect(answers[1]).toEqual(answers[0]);
  await engine.dispose();
});

test('loading that is stopped, or fails, leaves nothing behind', async () => {
  const stop = new AbortController();
  const { options, load } = setup(0, 3, stop.signal);
  const loading = load();
  stop.abort();
  await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  await expect(PiecewiseEngine.load({ ...options, signal: new AbortController().signal, turn: (task) => task(), shards: async () => new Uint8Array(3) })).rejects.toMatchObject({ code: 'missing-tensor' });
});
