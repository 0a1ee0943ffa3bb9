import { expect, test } from 'vitest';
import { buildScoreGraph } from '@ciro/core/model/graph/score-graphs.ts';
import { SCORE_SHAPES } from '@ciro/core/protocol/measured.ts';
import { createSession } from './ort.ts';
import { measureScores } from './score-benchmark.ts';
import { SeededWeights, seededRows } from './seeded-weights.ts';

const ports = { createSession, now: () => performance.now(), turn: <Result>(task: () => Promise<Result>) => task(), mayGoOn: () => true };

test('W4: every shape runs on WASM and is timed', async () => {
  const scores = await measureScores('wasm', ports);
  expect(scores?.engine).toBe('wasm');
  for (const shape of SCORE_SHAPES) expect(scores?.ms[shape], shape).toBeGreaterThan(0);
});

test.each(SCORE_SHAPES)('W4: the %s graph gives finite values that hang on its input', async (shape) => {
  const graph = buildScoreGraph(shape);
  const weights = new SeededWeights(graph.weights, 5);
  const session = await createSession('wasm', graph, (name) => weights.values(name));
  const length = graph.inputDims.reduce((product, dim) => product * dim, 1);
  const [one, other] = await Promise.all(['one', 'other'].map(async (name) => (await session.run({ input: { data: seededRows(length, 5, name), dims: graph.inputDims } }))['output']));
  await session.release();
  expect(one?.every(Number.isFinite)).toBe(true);
  expect(one).not.toEqual(other);
});

test('W4: a shape that the engine cannot run has no score, and the others have theirs', async () => {
  const scores = await measureScores('wasm', {
    ...ports,
    createSession: (provider, graph, weight) => (graph.weights.some(({ dims }) => dims.length === 4) ? Promise.reject(new Error('no such operator')) : createSession(provider, graph, weight)),
  });
  expect(scores?.ms.resnet).toBeNull();
  expect(scores?.ms.bert).toBeGreaterThan(0);
});

test('W4: it makes way before the next run, measures nothing by halves, and gives its weights back', async () => {
  let [asked, open] = [0, 0];
  const scores = await measureScores('wasm', {
    ...ports,
    mayGoOn: () => ++asked < 4,
    createSession: async (...args) => {
      const session = await createSession(...args);
      open++;
      return { ...session, run: (feeds) => session.run(feeds), release: () => (open--, session.release()) };
    },
  });
  expect(scores).toBeUndefined();
  expect(asked).toBe(4);
  expect(open).toBe(0);
});
