/**
 * Seeded vectors of every operator that the stage graphs are made of, each in a graph of its own, in the shapes that a layer
 * has. They say which kernel is wrong. Whether a provider may serve also hangs on whole stages (qualification.ts): there the
 * library fuses operators, as it does when it serves, and errors add up.
 */
import { OnnxModel } from '@ciro/core/model/graph/onnx-model.ts';
import { addNorm, addProduct } from '@ciro/core/model/graph/layer-nodes.ts';
import { MAX_RUN_TOKENS } from '@ciro/core/model/stage-runner.ts';
import { plainAdd, plainConcat, plainMatMul, plainMul, plainNorm, plainSigmoid, plainSoftmax, plainSplit, plainTranspose } from './plain-operators.ts';
import { seededRows } from './seeded-weights.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { FeedTensor } from '@ciro/core/model/job-cache.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { EngineSession, Provider } from './ort.ts';
import type { PlainTensor } from './plain-operators.ts';

/** Where an operator was worst; `errorOfScale` is Infinity when a value was not finite or missing. */
export interface OperatorError {
  readonly operator: string;
  readonly errorOfScale: number;
  /** New tokens of the run. */
  readonly tokens: number;
}

/** Tokens of the runs: one, an odd few, a whole chunk, the longest run. Kernels switch between such sizes. */
const TOKENS: readonly number[] = [1, 5, 16, MAX_RUN_TOKENS];
/** Positions in the caches: their first capacity step. */
const CAPACITY = 64;
const SEED = 20_251_122;
/** What hides a position from attention: far below any score. */
const HIDDEN_SCORE = -1e9;

/** One operator in the shapes of a layer: inputs of a run of `tokens`, and every output that it must give for them. */
interface OperatorCase {
  readonly operator: string;
  readonly build: (model: OnnxModel) => void;
  readonly inputs: (tokens: number) => Readonly<Record<string, PlainTensor>>;
  readonly expected: (inputs: Readonly<Record<string, PlainTensor>>) => Readonly<Record<string, PlainTensor>>;
}

/** Operators with vectors; a test holds this against the graphs themselves. */
export const operatorsCovered = (architecture: Architecture): string[] => [...new Set(casesOf(architecture).map(({ operator }) => operator))].toSorted();

/** Runs the vectors of every operator and gives each one's worst error. Throws what the provider throws. */
export async function checkOperators(
  provider: Provider,
  architecture: Architecture,
  create: (provider: Provider, graph: Graph, weight: (name: string) => Float32Array) => Promise<EngineSession>,
): Promise<OperatorError[]> {
  const errors: OperatorError[] = [];
  for (const each of casesOf(architecture)) {
    const model = new OnnxModel(`vectors of ${each.operator}`);
    each.build(model);
    const graph = { bytes: model.bytes(), inputs: model.inputs, outputs: model.outputs, weights: model.weights };
    const weights = Object.fromEntries(model.weights.map(({ name, dims }) => [name, seeded(name, dims)]));
    const session = await create(provider, graph, (name) => new Float32Array(weights[name]?.data ?? []));
    try {
      let worst: OperatorError = { operator: each.operator, errorOfScale: 0, tokens: 0 };
      for (const tokens of TOKENS) {
        const inputs = each.inputs(tokens);
        const outputs = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, feedOf(tensor)])));
        for (const [name, expected] of Object.entries(each.expected({ ...inputs, ...weights }))) {
          const errorOfScale = errorOf(outputs[name], expected.data);
          if (!(errorOfScale <= worst.errorOfScale)) worst = { operator: each.operator, errorOfScale, tokens };
        }
      }
      errors.push(worst);
    } finally {
      await session.release();
    }
  }
  return errors;
}

function casesOf({ hidden, heads, kvHeads, headDim, feedForward, normEpsilon }: Architecture): OperatorCase[] {
  const group = heads / kvHeads;
  const allHeads = heads + kvHeads;
  const elementwise = (operator: 'Add' | 'Mul', a: (tokens: number) => number[], b: (tokens: number) => number[], plain: (a: PlainTensor, b: PlainTensor) => PlainTensor): OperatorCase => ({
    operator,
    build: (model) => void model.node(operator, [input(model, 'a', a(2).length), input(model, 'b', b(2).length)], output(model, 'out', a(2).length)),
    inputs: (tokens) => ({ a: seeded('a', a(tokens)), b: seeded('b', b(tokens)) }),
    expected: ({ a: left, b: right }) => ({ out: plain(of(left), of(right)) }),
  });
  const transpose = (order: readonly number[], dims: (tokens: number) => number[]): OperatorCase => ({
    operator: 'Transpose',
    build: (model) => void model.node('Transpose', [input(model, 'a', order.length)], output(model, 'out', order.length), { perm: order }),
    inputs: (tokens) => ({ a: seeded('a', dims(tokens)) }),
    expected: ({ a }) => ({ out: plainTranspose(of(a), order) }),
  });
  const split = (axis: number, parts: readonly [number, number], dims: (tokens: number) => number[]): OperatorCase => ({
    operator: 'Split',
    build: (model) => model.nodeWithOutputs('Split', [input(model, 'a', 4), model.integers(parts)], [output(model, 'first', 4), output(model, 'second', 4)], { axis }),
    inputs: (tokens) => ({ a: seeded('a', dims(tokens)) }),
    expected: ({ a }) => {
      const [first, second] = plainSplit(of(a), axis, parts[0]);
      return { first, second };
    },
  });
  return [
    {
      operator: 'Gemm',
      build: (model) => void addProduct(model, input(model, 'x', 2, hidden), 'matrix', [feedForward, hidden], output(model, 'out', 2)),
      inputs: (tokens) => ({ x: seeded('x', [tokens, hidden]) }),
      expected: ({ x, matrix }) => ({ out: plainMatMul(of(x), plainTranspose(of(matrix), [1, 0])) }),
    },
    {
      operator: 'MatMul',
      build: (model) => void model.node('MatMul', [input(model, 'a', 4), input(model, 'b', 4)], output(model, 'out', 4)),
      inputs: (tokens) => ({ a: seeded('a', [1, kvHeads, group * tokens, headDim]), b: seeded('b', [1, kvHeads, headDim, CAPACITY]) }),
      expected: ({ a, b }) => ({ out: plainMatMul(of(a), of(b)) }),
    },
    {
      operator: 'SimplifiedLayerNormalization',
      build: (model) => void addNorm(model, { hidden, normEpsilon } as Architecture, input(model, 'x', 2, hidden), 'gain', output(model, 'out', 2)),
      inputs: (tokens) => ({ x: seeded('x', [tokens, hidden], 8) }),
      expected: ({ x, gain }) => ({ out: plainNorm(of(x), of(gain), normEpsilon) }),
    },
    {
      operator: 'Softmax',
      build: (model) => void model.node('Softmax', [input(model, 'a', 4)], output(model, 'out', 4), { axis: -1 }),
      inputs: (tokens) => ({ a: masked(seeded('a', [1, kvHeads, group * tokens, CAPACITY + tokens], 12)) }),
      expected: ({ a }) => ({ out: plainSoftmax(of(a)) }),
    },
    {
      operator: 'Sigmoid',
      build: (model) => void model.node('Sigmoid', [input(model, 'a', 2)], output(model, 'out', 2)),
      inputs: (tokens) => ({ a: seeded('a', [tokens, feedForward], 20) }),
      expected: ({ a }) => ({ out: plainSigmoid(of(a)) }),
    },
    elementwise('Add', (tokens) => [1, kvHeads, group * tokens, CAPACITY + tokens], (tokens) => [1, 1, group * tokens, CAPACITY + tokens], plainAdd),
    elementwise('Add', (tokens) => [tokens, hidden], (tokens) => [tokens, hidden], plainAdd),
    elementwise('Mul', (tokens) => [1, tokens, allHeads, headDim], (tokens) => [1, tokens, 1, headDim], plainMul),
    elementwise('Mul', (tokens) => [tokens, feedForward], (tokens) => [tokens, feedForward], plainMul),
    {
      operator: 'Concat',
      build: (model) => void model.node('Concat', [input(model, 'a', 4), input(model, 'b', 4)], output(model, 'out', 4), { axis: -1 }),
      inputs: (tokens) => ({ a: seeded('a', [1, kvHeads, group * tokens, CAPACITY]), b: seeded('b', [1, kvHeads, group * tokens, tokens]) }),
      expected: ({ a, b }) => ({ out: plainConcat(of(a), of(b), 3) }),
    },
    split(2, [allHeads, kvHeads], (tokens) => [1, tokens, allHeads + kvHeads, headDim]),
    split(3, [headDim / 2, headDim / 2], (tokens) => [1, tokens, allHeads, headDim]),
    {
      operator: 'Reshape',
      build: (model) => void model.node('Reshape', [input(model, 'a', 4), model.integers([0, 0, kvHeads, group, headDim])], output(model, 'out', 5)),
      inputs: (tokens) => ({ a: seeded('a', [1, tokens, heads, headDim]) }),
      expected: ({ a }) => ({ out: of(a) }),
    },
    transpose([0, 2, 3, 1, 4], (tokens) => [1, tokens, kvHeads, group, headDim]),
    transpose([0, 3, 1, 2, 4], (tokens) => [1, kvHeads, group, tokens, headDim]),
    transpose([0, 2, 1, 3], (tokens) => [1, tokens, kvHeads, headDim]),
    transpose([0, 1, 3, 2], () => [1, kvHeads, CAPACITY, headDim]),
    transpose([0, 2, 3, 1], (tokens) => [1, tokens, kvHeads, headDim]),
  ];
}

/** Sizes that change between runs, one name an axis; the last may be fixed. */
const input = (model: OnnxModel, name: string, rank: number, width?: number): string => model.input(name, axes(name, rank, width));
const output = (model: OnnxModel, name: string, rank: number): string => model.output(name, axes(name, rank));
const axes = (name: string, rank: number, width?: number): (string | number)[] => Array.from({ length: rank }, (_, axis) => (axis === rank - 1 && width !== undefined ? width : `${name}${axis}`));

/** Made-up values in [-reach, reach), rounded to float32 as the provider is given them. */
function seeded(name: string, dims: readonly number[], reach = 1): PlainTensor {
  const values = seededRows(dims.reduce((product, dim) => product * dim, 1), SEED, `${name} ${dims.join('x')}`);
  return { data: new Float64Array(values.map((value) => value * reach)), dims };
}

/** Hides every third column, as causal masks and unused cache positions do. */
const masked = ({ data, dims }: PlainTensor): PlainTensor => ({ data: data.map((value, at) => ((at % (dims.at(-1) ?? 1)) % 3 === 1 ? Math.fround(HIDDEN_SCORE) : value)), dims });

const feedOf = ({ data, dims }: PlainTensor): FeedTensor => ({ data: new Float32Array(data), dims });

function of(tensor: PlainTensor | undefined): PlainTensor {
  if (tensor === undefined) throw new RangeError('an operator case asks for an input that it does not have');
  return tensor;
}

/** Largest |actual - expected| over the tensor's scale, the power of two above its largest value. */
function errorOf(actual: Float32Array | undefined, expected: Float64Array): number {
  if (actual?.length !== expected.length) return Infinity;
  let scale = 2 ** -20;
  for (const value of expected) while (scale < Math.abs(value)) scale *= 2;
  let worst = 0;
  for (const [i, value] of actual.entries()) {
    const error = Math.abs(value - (expected[i] ?? 0)) / scale;
    if (!(error <= worst)) worst = error - error === 0 ? error : Infinity;
    if (worst === Infinity) break;
  }
  return worst;
}
