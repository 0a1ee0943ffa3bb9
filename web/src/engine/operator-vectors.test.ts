import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { expect, test } from 'vitest';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { checkOperators, operatorsCovered } from './operator-vectors.ts';
import { createSession } from './ort.ts';
import { qualify, QUALIFICATION_TOLERANCE } from './qualification.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { EngineSession } from './ort.ts';
import type { SessionFactory } from './qualification.ts';

const architecture: Architecture = {
  family: 'llama', layers: 2, hidden: 192, heads: 6, kvHeads: 2, headDim: 64, feedForward: 320, vocabulary: 320,
  context: 128, ropeBase: 100_000, normEpsilon: 1e-5, tiedHead: true,
};

/** Length-delimited fields with this number. */
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

/** Operators of an ONNX model: ModelProto.graph, GraphProto.node, NodeProto.op_type. */
const operatorsOf = (model: Uint8Array): string[] => fieldsOf(model, 7).flatMap((graph) => fieldsOf(graph, 1)).flatMap((node) => fieldsOf(node, 4)).map((name) => new TextDecoder().decode(name));

/** A provider whose graphs of these operators give something else. */
function faulty(operator: string, spoil: (values: Float32Array) => void): SessionFactory {
  return async (provider, graph, weight) => {
    const session = await createSession(provider, graph, weight);
    const operators = operatorsOf(graph.bytes);
    const spoiled: EngineSession = {
      weightBytes: session.weightBytes,
      release: () => session.release(),
      run: async (feeds) => {
        const outputs = await session.run(feeds);
        if (operators.every((each) => each === operator)) for (const values of Object.values(outputs)) spoil(values);
        return outputs;
      },
    };
    return spoiled;
  };
}

test('there are vectors of every operator that the stage graphs are made of', () => {
  const used = new Set([buildLayersGraph(architecture, { from: 0, to: 2, embeds: false, heads: true }), buildHeadGraph(architecture)].flatMap(({ bytes }) => operatorsOf(bytes)));
  expect(used.size).toBeGreaterThan(8);
  expect(operatorsCovered(architecture)).toEqual([...used].toSorted());
});

test('WASM gives every operator\'s vectors to within a few roundings; what only moves values moves them exactly', async () => {
  for (const { operator, errorOfScale } of await checkOperators('wasm', architecture, createSession)) {
    expect(errorOfScale, operator).toBeLessThan(['Concat', 'Split', 'Reshape', 'Transpose'].includes(operator) ? 1e-30 : 1e-6);
  }
});

const offBy = (values: Float32Array): void => void (values[values.length - 1] = (values.at(-1) ?? 0) + 4 * QUALIFICATION_TOLERANCE * Math.max(...values.map(Math.abs)));

test.each(operatorsCovered(architecture))('a fault in %s alone, in one value, is found and named', async (operator) => {
  const errors = await checkOperators('wasm', architecture, faulty(operator, offBy));
  expect([...new Set(errors.filter(({ errorOfScale }) => errorOfScale > QUALIFICATION_TOLERANCE).map((each) => each.operator))]).toEqual([operator]);
});

test('a provider with one wrong operator is not eligible, although the small stages are right', async () => {
  const result = await qualify('wasm', architecture, faulty('Softmax', offBy));
  expect(result.eligible).toBe(false);
  expect(result.boundaries.every(({ errorOfScale }) => errorOfScale <= QUALIFICATION_TOLERANCE)).toBe(true);
});

test('values that are missing or not finite are a fault without bounds', async () => {
  for (const spoil of [(values: Float32Array) => void values.fill(NaN), (values: Float32Array) => void values.fill(Infinity)]) {
    const errors = await checkOperators('wasm', architecture, faulty('Sigmoid', spoil));
    expect(errors.find(({ operator }) => operator === 'Sigmoid')?.errorOfScale).toBe(Infinity);
  }
});
