/** Operators of the stage graph written as plainly as possible in float64, over row-major tensors: what a provider's kernels are held against. */
import { exp } from '@ciro/core/numeric/exponential.ts';

export interface PlainTensor {
  readonly data: Float64Array;
  readonly dims: readonly number[];
}

const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** Elements between two neighbours along each axis. */
const stridesOf = (dims: readonly number[]): number[] => dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));

/** Where each element of a tensor of `dims` lies when a step along an axis is `strides` elements. */
function placesOf(dims: readonly number[], strides: readonly number[]): Uint32Array {
  let places = new Uint32Array(1);
  for (const [axis, dim] of dims.entries()) {
    const stride = strides[axis] ?? 0;
    const next = new Uint32Array(places.length * dim);
    places.forEach((place, at) => {
      for (let i = 0; i < dim; i++) next[at * dim + i] = place + i * stride;
    });
    places = next;
  }
  return places;
}

/** Element by element; an axis of length 1 is the same everywhere (ONNX broadcasting of equal ranks). */
function elementwise(a: PlainTensor, b: PlainTensor, value: (a: number, b: number) => number): PlainTensor {
  const dims = a.dims.map((dim, axis) => Math.max(dim, b.dims[axis] ?? 1));
  const spread = (tensor: PlainTensor): Uint32Array => placesOf(dims, stridesOf(tensor.dims).map((stride, axis) => (tensor.dims[axis] === 1 ? 0 : stride)));
  const [left, right] = [spread(a), spread(b)];
  return { data: new Float64Array(sizeOf(dims)).map((_, at) => value(a.data[left[at] ?? 0] ?? NaN, b.data[right[at] ?? 0] ?? NaN)), dims };
}

export const plainAdd = (a: PlainTensor, b: PlainTensor): PlainTensor => elementwise(a, b, (x, y) => x + y);
export const plainMul = (a: PlainTensor, b: PlainTensor): PlainTensor => elementwise(a, b, (x, y) => x * y);
export const plainSigmoid = ({ data, dims }: PlainTensor): PlainTensor => ({ data: data.map((value) => 1 / (1 + exp(-value))), dims });

/** Over the last two axes; the ones before are equal. */
export function plainMatMul(a: PlainTensor, b: PlainTensor): PlainTensor {
  const [rows = 1, inner = 1, columns = 1] = [...a.dims.slice(-2), b.dims.at(-1) ?? 1];
  const dims = [...a.dims.slice(0, -2), rows, columns];
  const data = new Float64Array(sizeOf(dims));
  data.forEach((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const matrix = Math.floor(row / rows) * inner * columns;
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (a.data[row * inner + k] ?? NaN) * (b.data[matrix + k * columns + column] ?? NaN);
    data[at] = sum;
  });
  return { data, dims };
}

/** The elements at these places. */
function taken(data: Float64Array, places: Uint32Array): Float64Array {
  const out = new Float64Array(places.length);
  for (let at = 0; at < places.length; at++) out[at] = data[places[at] ?? 0] ?? NaN;
  return out;
}

export function plainTranspose({ data, dims }: PlainTensor, order: readonly number[]): PlainTensor {
  const strides = stridesOf(dims);
  const turned = order.map((axis) => dims[axis] ?? 1);
  return { data: taken(data, placesOf(turned, order.map((axis) => strides[axis] ?? 0))), dims: turned };
}

export function plainConcat(a: PlainTensor, b: PlainTensor, axis: number): PlainTensor {
  const [left, right] = [sizeOf(a.dims.slice(axis)), sizeOf(b.dims.slice(axis))];
  const data = new Float64Array(a.data.length + b.data.length);
  for (let block = 0; block * left < a.data.length; block++) {
    data.set(a.data.subarray(block * left, (block + 1) * left), block * (left + right));
    data.set(b.data.subarray(block * right, (block + 1) * right), block * (left + right) + left);
  }
  return { data, dims: a.dims.map((dim, i) => (i === axis ? dim + (b.dims[axis] ?? 0) : dim)) };
}

/** The two parts of `a` along an axis, the first one `first` long. */
export function plainSplit({ data, dims }: PlainTensor, axis: number, first: number): [PlainTensor, PlainTensor] {
  const strides = stridesOf(dims);
  const part = (from: number, length: number): PlainTensor => {
    const cut = dims.map((dim, i) => (i === axis ? length : dim));
    return { data: taken(data.subarray(from * (strides[axis] ?? 0)), placesOf(cut, strides)), dims: cut };
  };
  return [part(0, first), part(first, (dims[axis] ?? 0) - first)];
}

/** Applies `change` to each row along the last axis. */
function rowwise({ data, dims }: PlainTensor, change: (row: Float64Array) => Float64Array): PlainTensor {
  const width = dims.at(-1) ?? 1;
  const out = new Float64Array(data.length);
  for (let from = 0; from < data.length; from += width) out.set(change(data.subarray(from, from + width)), from);
  return { data: out, dims };
}

export const plainSoftmax = (a: PlainTensor): PlainTensor =>
  rowwise(a, (row) => {
    const most = Math.max(...row);
    const weights = row.map((value) => exp(value - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });

/** Root-mean-square norm with a gain per channel. */
export const plainNorm = (a: PlainTensor, gain: PlainTensor, epsilon: number): PlainTensor =>
  rowwise(a, (row) => {
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / row.length + epsilon);
    return row.map((value, channel) => value * scale * (gain.data[channel] ?? 0));
  });
