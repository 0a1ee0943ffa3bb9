import { expect, test } from 'vitest';
import { SCORE_SHAPES } from '../../protocol/measured.ts';
import { buildScoreGraph, gigaflops } from './score-graphs.ts';

const elements = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

test.each(SCORE_SHAPES)('W4: the %s graph is the same every time, small, and within its time on a slow device', (shape) => {
  const graph = buildScoreGraph(shape);
  expect(buildScoreGraph(shape)).toEqual(graph);
  expect(graph.inputs).toEqual(['input']);
  expect(graph.outputs).toEqual(['output']);
  // A gigaflop a second, two runs: all three shapes stay below a second.
  expect(graph.flops).toBeGreaterThan(2e7);
  expect(graph.flops).toBeLessThan(1.6e8);
  expect(graph.weights.reduce((sum, { dims }) => sum + 4 * elements(dims), 0)).toBeLessThan(8e6);
  expect(new Set(graph.weights.map(({ name }) => name)).size).toBe(graph.weights.length);
});

test('W4: a score is operations over time, and nothing else', () => {
  const { flops } = buildScoreGraph('bert');
  // Two layers: four square products and two of four times the width, 32 tokens; scores and their mix.
  expect(flops).toBe(2 * (2 * 32 * (4 * 256 ** 2 + 2 * 256 * 1024) + 4 * 32 * 32 * 256));
  expect(gigaflops('bert', flops / 1e6)).toBeCloseTo(1);
  expect(gigaflops('bert', flops / 4e6)).toBeCloseTo(4);
});
