import { expect, test } from 'vitest';
import { MAX_BATCH_CACHE_BYTES, StageRunner } from './stage-runner.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { FeedTensor, JobCache } from './job-cache.ts';

const architecture: Architecture = {
  family: 'llama', layers: 4, hidden: 8, heads: 4, kvHeads: 2, headDim: 2, feedForward: 8, vocabulary: 8,
  context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};
const middle: StageShape = { from: 1, to: 2, embeds: false, heads: false };
const last: StageShape = { from: 3, to: 4, embeds: false, heads: true };

/** A session that remembers its feeds; new keys are 1000 × (run + 1) + their row, so that it shows where they are put. */
function recorder(layer: number) {
  const runs: Readonly<Record<string, FeedTensor>>[] = [];
  const run = async (feeds: Readonly<Record<string, FeedTensor>>): Promise<Record<string, Float32Array>> => {
    runs.push(feeds);
    const rows = feeds['hidden']?.dims[0] ?? 0;
    const added = () => Float32Array.from({ length: rows * 2 * 2 }, (_, i) => 1000 * runs.length + i);
    return { rows: Float32Array.from({ length: rows * 8 }, (_, i) => i), [`new_key.${layer}`]: added(), [`new_value.${layer}`]: added() };
  };
  return { runs, run };
}

const dataOf = (feeds: Readonly<Record<string, FeedTensor>> | undefined, name: string): number[] => [...((feeds?.[name]?.data ?? []) as Float32Array)];
const dimsOf = (feeds: Readonly<Record<string, FeedTensor>> | undefined): Record<string, readonly number[]> => Object.fromEntries(Object.entries(feeds ?? {}).map(([name, { dims }]) => [name, dims]));

async function opened(lengths: Readonly<Record<string, number>>, session = recorder(1)) {
  const runner = new StageRunner(architecture, middle, { layers: session });
  for (const [key, length] of Object.entries(lengths)) {
    runner.openJob(key, 200);
    for (let position = 0; position < length; position += 50) await runner.run(key, position, new Float32Array(8 * Math.min(50, length - position)), Math.min(50, length - position));
  }
  session.runs.length = 0;
  return { runner, session };
}

const row = (jobKey: string, position: number) => ({ jobKey, position, input: new Float32Array(8).fill(position) });

test('a batch has a row, a position and a mask of its own for every job, and room for the longest', async () => {
  const { runner, session } = await opened({ long: 70, short: 3 });
  const outputs = await runner.runBatch([row('short', 3), row('long', 70)]);
  const [feeds] = session.runs;
  expect(dimsOf(feeds)).toEqual({
    hidden: [2, 8], cos: [2, 1, 1, 2], sin: [2, 1, 1, 2], mask: [2, 1, 2, 129], head_shape: [4], key_sizes: [2],
    'key_cache.1': [2, 2, 128, 2], 'value_cache.1': [2, 2, 128, 2],
  });
  expect(dataOf(feeds, 'hidden')).toEqual([...Array(8).fill(3), ...Array(8).fill(70)]);
  expect([dataOf(feeds, 'cos')[0], dataOf(feeds, 'cos')[2]]).toEqual([expect.closeTo(Math.cos(3), 6), expect.closeTo(Math.cos(70), 6)]);
  const mask = dataOf(feeds, 'mask');
  const seen = (job: number, query: number): number[] => mask.slice((job * 2 + query) * 129, (job * 2 + query + 1) * 129).flatMap((score, key) => (score === 0 ? [key] : []));
  for (const query of [0, 1]) {
    expect(seen(0, query)).toEqual([0, 1, 2, 128]);
    expect(seen(1, query)).toEqual([...Array(70).keys(), 128]);
  }
  expect(outputs.map(({ rows }) => rows[0])).toEqual([0, 8]);
  expect([runner.length('short'), runner.length('long')]).toEqual([4, 71]);
});

test('what a batch adds lies in each job\'s own cache, as its next runs read it', async () => {
  const { runner, session } = await opened({ a: 2, b: 2, c: 2 });
  await runner.runBatch([row('c', 2), row('a', 2)]);
  await runner.runBatch([row('a', 3), row('b', 2), row('c', 3)]);
  const cache = dataOf(session.runs[1], 'key_cache.1');
  const at = (job: number, head: number, position: number): number | undefined => cache[((job * 2 + head) * 64 + position) * 2];
  // Of the first batch [jobs, heads, width]: c was row 0, a row 1.
  expect([at(0, 0, 2), at(0, 1, 2), at(2, 0, 2), at(2, 1, 2)]).toEqual([1004, 1006, 1000, 1002]);
  await runner.run('b', 3, new Float32Array(8), 1);
  expect(dataOf(session.runs[2], 'key_cache.1')[2 * 2]).toBe(2004);
});

test('a run of one job feeds the graph what it fed before there were batches, also after one', async () => {
  const { runner, session } = await opened({ a: 2, b: 2 });
  const alone = await opened({ a: 2 });
  await runner.runBatch([row('b', 2), row('a', 2)]);
  await alone.runner.run('a', 2, row('a', 2).input, 1);
  session.runs.length = 0;
  alone.session.runs.length = 0;
  await runner.run('a', 3, new Float32Array(8), 1);
  await alone.runner.run('a', 3, new Float32Array(8), 1);
  const { 'key_cache.1': own, 'value_cache.1': ownValues, ...rest } = session.runs[0] ?? {};
  const { 'key_cache.1': theirs, 'value_cache.1': theirValues, ...expected } = alone.session.runs[0] ?? {};
  expect(rest).toEqual(expected);
  expect([own?.dims, ownValues?.dims]).toEqual([theirs?.dims, theirValues?.dims]);
});

test('only the rows that want logits go through the head, in one product', async () => {
  const heads: FeedTensor[] = [];
  const head = {
    run: async (feeds: Readonly<Record<string, FeedTensor>>) => {
      const rows = feeds['rows'] as FeedTensor;
      heads.push(rows);
      return { logits: Float32Array.from({ length: (rows.dims[0] ?? 0) * 8 }, (_, i) => 100 + i) };
    },
  };
  const runner = new StageRunner(architecture, last, { layers: recorder(3), head });
  for (const key of ['a', 'b', 'c']) runner.openJob(key, 10);
  const outputs = await runner.runBatch([{ ...row('a', 0), logits: true }, row('b', 0), { ...row('c', 0), logits: true }]);
  expect(heads.map(({ dims }) => dims)).toEqual([[2, 8]]);
  expect([...(heads[0]?.data ?? [])].slice(8, 10)).toEqual([16, 17]);
  expect(outputs.map(({ logits }) => logits?.[0])).toEqual([100, undefined, 108]);
});

test.each([
  ['the layers', { layers: { run: () => Promise.reject(new Error('device lost')) } }],
  ['the head', { layers: recorder(3), head: { run: () => Promise.reject(new Error('device lost')) } }],
])('a batch whose run of %s fails leaves every cache as it was', async (_, sessions) => {
  const runner = new StageRunner(architecture, last, sessions);
  for (const key of ['a', 'b']) runner.openJob(key, 10);
  const batch = ['a', 'b'].map((key) => ({ ...row(key, 0), logits: true }));
  await expect(runner.runBatch(batch)).rejects.toThrow('device lost');
  expect(['a', 'b'].map((key) => runner.length(key))).toEqual([0, 0]);
  // Not `stale-cache`: nothing is thought to be running.
  await expect(runner.runBatch(batch)).rejects.toThrow('device lost');
});

test.each([
  ['bad-input', 'a job twice', [row('a', 2), row('a', 2)]],
  ['stale-cache', 'a position that is not next', [row('a', 2), row('b', 1)]],
  ['unknown-job', 'a job that is not open', [row('a', 2), row('z', 0)]],
  ['bad-input', 'ids for a middle stage', [row('a', 2), { ...row('b', 2), input: Uint32Array.of(1) }]],
])('%s: a batch with %s is refused and changes nothing', async (code, _, batch) => {
  const { runner, session } = await opened({ a: 2, b: 2 });
  await expect(runner.runBatch(batch)).rejects.toMatchObject({ code });
  expect([session.runs.length, runner.length('a'), runner.length('b')]).toEqual([0, 2, 2]);
});

test('what a batch takes beside the caches is told before, counted while held, and given back on demand and with the last but one job', async () => {
  const { runner } = await opened({ a: 2, b: 70, c: 2 });
  const before = runner.heldBytes;
  // 1 layer × keys and values × 3 jobs × 2 heads × 128 positions × 2 numbers of 4 bytes.
  const bytes = 2 * 3 * 2 * 128 * 2 * 4;
  expect(runner.batchBytes(['a', 'b', 'c'])).toBe(bytes);
  await runner.runBatch([row('a', 2), row('b', 70), row('c', 2)]);
  expect(runner.heldBytes).toBe(before + bytes);
  expect(runner.batchBytes(['a', 'b'])).toBe(0);
  runner.releaseBatch();
  expect(runner.heldBytes).toBe(before);
  await runner.runBatch([row('a', 3), row('c', 3)]);
  runner.closeJob('a');
  expect(runner.batchBytes(['b', 'c'])).toBeGreaterThan(0);
  runner.closeJob('c');
  expect(runner.heldBytes).toBe(before / 3);
});

test('jobs whose caches are too large to be copied are better run alone', () => {
  // 16 MiB a job: 1 layer × keys and values × 2 heads × 64 positions × 16,384 numbers of 4 bytes.
  const runner = new StageRunner({ ...architecture, headDim: 16_384 }, middle, { layers: recorder(1) });
  const keys = ['a', 'b', 'c', 'd', 'e'];
  for (const key of keys) runner.openJob(key, 64);
  expect(runner.batchBytes(keys.slice(0, 4))).toBe(MAX_BATCH_CACHE_BYTES);
  expect(runner.batchBytes(keys)).toBeUndefined();
});

test('jobs whose caches lie with the provider are run alone, and what those may grow by is told', async () => {
  const elsewhere: JobCache = { length: 0, capacity: 64, heldBytes: 10, mostBytes: 30, reserve: () => undefined, run: async () => ({}), truncate: () => undefined, copy: () => elsewhere, dispose: () => undefined };
  const runner = new StageRunner(architecture, middle, { layers: { ...recorder(1), openCache: () => elsewhere } });
  for (const key of ['a', 'b']) runner.openJob(key, 64);
  expect(runner.batchBytes(['a', 'b'])).toBeUndefined();
  await expect(runner.runBatch([row('a', 0), row('b', 0)])).rejects.toMatchObject({ code: 'bad-input' });
  expect([runner.heldBytes, runner.growthBytes]).toEqual([20, 40]);
});
