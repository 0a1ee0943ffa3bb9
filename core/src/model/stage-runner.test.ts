import { expect, test } from 'vitest';
import { MAX_RUN_TOKENS, StageRunner } from './stage-runner.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { FeedTensor } from './job-cache.ts';

const architecture: Architecture = {
  family: 'llama', layers: 4, hidden: 8, heads: 4, kvHeads: 2, headDim: 2, feedForward: 8, vocabulary: 8,
  context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};
const middle: StageShape = { from: 1, to: 3, embeds: false, heads: false };

/** A session that remembers its feeds and gives zeros. */
function recorder() {
  const runs: Readonly<Record<string, FeedTensor>>[] = [];
  const run = async (feeds: Readonly<Record<string, FeedTensor>>): Promise<Record<string, Float32Array>> => {
    runs.push(feeds);
    const count = feeds['hidden']?.dims[0] ?? 0;
    const rows = () => new Float32Array(2 * count * 2);
    return { rows: new Float32Array(count * 8), 'new_key.1': rows(), 'new_value.1': rows(), 'new_key.2': rows(), 'new_value.2': rows() };
  };
  return { runs, run };
}

test('feeds carry absolute positions, a causal mask and caches of one capacity', async () => {
  const session = recorder();
  const runner = new StageRunner(architecture, middle, { layers: session });
  runner.openJob('job', 100);
  for (const [position, count] of [[0, 16], [16, 1]] as const) await runner.run('job', position, new Float32Array(8 * count), count);
  const feeds = session.runs[1] ?? {};
  expect(Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]))).toEqual({
    hidden: [1, 8], cos: [1, 1, 1, 2], sin: [1, 1, 1, 2], mask: [1, 1, 2, 65], head_shape: [4], key_sizes: [2],
    'key_cache.1': [1, 2, 64, 2], 'value_cache.1': [1, 2, 64, 2], 'key_cache.2': [1, 2, 64, 2], 'value_cache.2': [1, 2, 64, 2],
  });
  expect(feeds['cos']?.data[0]).toBeCloseTo(Math.cos(16), 6);
  const sines = feeds['sin']?.data;
  expect(sines instanceof Float32Array && [...sines]).toEqual([expect.closeTo(-Math.sin(16), 6), expect.closeTo(Math.sin(16), 6)]);
  const mask = feeds['mask']?.data;
  expect(mask instanceof Float32Array && mask.filter((score) => score === 0)).toHaveLength(2 * 17);
});

test.each([
  ['no tokens', new Float32Array(0), 0],
  ['more tokens than a run takes', new Float32Array(8 * (MAX_RUN_TOKENS + 1)), MAX_RUN_TOKENS + 1],
  ['rows of another width', new Float32Array(9), 1],
  ['ids for a middle stage', Uint32Array.of(1), 1],
])('%s are refused and leave the cache as it was', async (_, input, count) => {
  const runner = new StageRunner(architecture, middle, { layers: recorder() });
  runner.openJob('job', 100);
  await expect(runner.run('job', 0, input, count)).rejects.toMatchObject({ code: 'bad-input' });
  expect(runner.length('job')).toBe(0);
});

test('jobs are opened once, within the context, and known until closed', async () => {
  const runner = new StageRunner(architecture, middle, { layers: recorder() });
  expect(() => runner.openJob('job', 513)).toThrowError(expect.objectContaining({ code: 'past-capacity' }));
  runner.openJob('job', 512);
  expect(() => runner.openJob('job', 512)).toThrowError(expect.objectContaining({ code: 'duplicate-job' }));
  runner.closeJob('job');
  await expect(runner.run('job', 0, new Float32Array(8), 1)).rejects.toMatchObject({ code: 'unknown-job' });
});

test('a second run of a job before the first has ended is a stale cache', async () => {
  const runner = new StageRunner(architecture, middle, { layers: recorder() });
  runner.openJob('job', 10);
  const first = runner.run('job', 0, new Float32Array(8), 1);
  await expect(runner.run('job', 0, new Float32Array(8), 1)).rejects.toMatchObject({ code: 'stale-cache' });
  await first;
  expect(runner.length('job')).toBe(1);
});

test('a run that fails adds nothing to the cache', async () => {
  const runner = new StageRunner(architecture, middle, { layers: { run: () => Promise.reject(new Error('device lost')) } });
  runner.openJob('job', 10);
  await expect(runner.run('job', 0, new Float32Array(8), 1)).rejects.toThrowError('device lost');
  expect(runner.length('job')).toBe(0);
});

test('V1: a cache is handed over with its first positions, and the job that had it is closed', async () => {
  const session = recorder();
  const runner = new StageRunner(architecture, middle, { layers: session });
  runner.openJob('old', 200);
  for (const position of [0, 64]) await runner.run('old', position, new Float32Array(8 * 64), 64);
  expect(() => runner.handOver('old', 'new', 129, 300)).toThrowError(expect.objectContaining({ code: 'stale-cache' }));
  runner.handOver('old', 'new', 80, 300);
  expect(runner.length('new')).toBe(80);
  expect(() => runner.length('old')).toThrowError(expect.objectContaining({ code: 'unknown-job' }));
  await runner.run('new', 80, new Float32Array(8 * 16), 16);
  const mask = session.runs.at(-1)?.['mask'];
  expect(mask?.data instanceof Float32Array && mask.data.subarray(0, 128).filter((score) => score === 0)).toHaveLength(80);
  const held = runner.heldBytes;
  runner.handOver('new', 'new', 32, 32);
  expect([runner.length('new'), runner.heldBytes < held / 2]).toEqual([32, true]);
});
