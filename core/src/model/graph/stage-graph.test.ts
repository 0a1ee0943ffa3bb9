import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { expect, test } from 'vitest';
import { buildHeadGraph, buildLayersGraph, headSlices } from './stage-graph.ts';
import type { Architecture } from '../architecture.ts';

const architecture: Architecture = {
  family: 'llama', layers: 30, hidden: 576, heads: 9, kvHeads: 3, headDim: 64, feedForward: 1536, vocabulary: 49152,
  context: 8192, ropeBase: 100_000, normEpsilon: 1e-5, tiedHead: true,
};

/** Length-delimited fields with this number, at the top level of a message. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

test('a stage of ten layers has the weights of ten layers and no tensor data of its own', () => {
  const graph = buildLayersGraph(architecture, { from: 10, to: 20, embeds: false, heads: false });
  const elements = graph.weights.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
  expect(elements).toBe(10 * (576 * 960 + 576 * 576 + 3 * 576 * 1536 + 2 * 576));
  expect(graph.bytes.length).toBeLessThan(100_000);
  expect(graph.inputs).toEqual(['hidden', 'cos', 'sin', 'mask', 'head_shape', 'key_sizes', ...cacheNames(10, 20)]);
});

test('the last stage ends in the final norm, an earlier one in residual rows', () => {
  const last = buildLayersGraph(architecture, { from: 29, to: 30, embeds: false, heads: true });
  expect(last.weights.at(-1)).toEqual({ name: 'final_norm', dims: [576] });
  const middle = buildLayersGraph(architecture, { from: 28, to: 29, embeds: false, heads: false });
  expect(middle.weights.map(({ name }) => name)).not.toContain('final_norm');
  expect(middle.outputs).toEqual(['rows', 'new_key.28', 'new_value.28']);
});

test('every value a node reads is an input, a constant, a weight or an earlier output', () => {
  const { bytes } = buildLayersGraph(architecture, { from: 0, to: 2, embeds: true, heads: false });
  const [graph = new Uint8Array()] = fieldsOf(bytes, 7);
  const known = new Set([
    ...fieldsOf(graph, 11).map((info) => text(fieldsOf(info, 1)[0])),
    ...fieldsOf(graph, 5).map((initialiser) => text(fieldsOf(initialiser, 8)[0])),
  ]);
  const nodes = fieldsOf(graph, 1);
  expect(nodes.length).toBeGreaterThan(50);
  for (const node of nodes) {
    for (const input of fieldsOf(node, 1).map(text)) expect(known, `input of ${text(fieldsOf(node, 3)[0])}`).toContain(input);
    for (const output of fieldsOf(node, 2).map(text)) {
      expect(known, 'each value has one source').not.toContain(output);
      known.add(output);
    }
  }
  for (const info of fieldsOf(graph, 12)) expect(known).toContain(text(fieldsOf(info, 1)[0]));
});

test.each([49152, 50, 7, 1])('head slices cover a vocabulary of %i once', (vocabulary) => {
  let next = 0;
  for (const { first, rows } of headSlices(vocabulary)) {
    expect(first).toBe(next);
    next += rows;
  }
  expect(next).toBe(vocabulary);
  expect(buildHeadGraph({ ...architecture, vocabulary }).outputs).toEqual(['logits']);
});

function cacheNames(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => [`key_cache.${from + i}`, `value_cache.${from + i}`]).flat();
}
