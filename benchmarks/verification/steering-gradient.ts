/**
 * Exact derivative of a linear read-out of a stage's output row with respect to its input row, for the newest position:
 * keys and values of earlier positions are as the engine cached them. Plain reverse mode over the operators of
 * `core/model/graph`, in float64 over the engine's float32 weights.
 */
import { ropeTables } from '@ciro/core/numeric/rope-tables.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';

/** Weights of one block under the names of `StageWeights.expand`. */
export interface BlockWeights {
  readonly attentionNorm: Float32Array;
  readonly qkv: Float32Array;
  readonly output: Float32Array;
  readonly feedForwardNorm: Float32Array;
  readonly gateUp: Float32Array;
  readonly down: Float32Array;
}

/** Rotated keys and values of positions [0, count) of one block, [kvHeads, count, headDim]. */
export interface BlockCache {
  readonly count: number;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** A block's forward pass with the way back: derivative of the output row → derivative of the input row. */
interface Traced {
  readonly out: Float64Array;
  back(derivative: Float64Array): Float64Array;
}

/** y[r] = sum over c of w[r, c] x[c]. */
function times(weights: Float32Array, x: Float64Array): Float64Array {
  const width = x.length;
  const out = new Float64Array(weights.length / width);
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++, at++) sum += (weights[at] as number) * (x[column] as number);
    out[row] = sum;
  }
  return out;
}

/** x'[c] = sum over r of w[r, c] y[r]. */
function timesTransposed(weights: Float32Array, y: Float64Array): Float64Array {
  const width = weights.length / y.length;
  const out = new Float64Array(width);
  for (let row = 0, at = 0; row < y.length; row++) {
    const factor = y[row] as number;
    for (let column = 0; column < width; column++, at++) out[column] = (out[column] as number) + (weights[at] as number) * factor;
  }
  return out;
}

/** Root-mean-square norm with gain. */
export function tracedNorm(x: Float64Array, gain: Float32Array, epsilon: number): Traced {
  const inverse = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return {
    out: x.map((value, i) => value * inverse * (gain[i] as number)),
    back(derivative) {
      const weighted = derivative.map((value, i) => value * (gain[i] as number));
      const along = (dot(weighted, x) * inverse ** 3) / x.length;
      return weighted.map((value, i) => value * inverse - (x[i] as number) * along);
    },
  };
}

/** One transformer block at position `cache.count`. */
export function tracedBlock(architecture: Architecture, weights: BlockWeights, cache: BlockCache, x: Float64Array): Traced {
  const { normEpsilon, feedForward } = architecture;
  const normed = tracedNorm(x, weights.attentionNorm, normEpsilon);
  const attended = tracedAttention(architecture, times(weights.qkv, normed.out), cache);
  const middle = added(x, times(weights.output, attended.out));
  const fed = tracedNorm(middle, weights.feedForwardNorm, normEpsilon);
  const gateUp = times(weights.gateUp, fed.out);
  const sigmoid = gateUp.subarray(0, feedForward).map((gate) => 1 / (1 + Math.exp(-gate)));
  const gated = Float64Array.from({ length: feedForward }, (_, i) => (gateUp[i] as number) * (sigmoid[i] as number) * (gateUp[feedForward + i] as number));
  return {
    out: added(middle, times(weights.down, gated)),
    back(derivative) {
      const byGated = timesTransposed(weights.down, derivative);
      const byGateUp = new Float64Array(2 * feedForward);
      for (let i = 0; i < feedForward; i++) {
        const [gate, up, s] = [gateUp[i] as number, gateUp[feedForward + i] as number, sigmoid[i] as number];
        byGateUp[i] = (byGated[i] as number) * up * s * (1 + gate * (1 - s));
        byGateUp[feedForward + i] = (byGated[i] as number) * gate * s;
      }
      const byMiddle = added(derivative, fed.back(timesTransposed(weights.gateUp, byGateUp)));
      const byQkv = attended.back(timesTransposed(weights.output, byMiddle));
      return added(byMiddle, normed.back(timesTransposed(weights.qkv, byQkv)));
    },
  };
}

/** Attention of one new position over the cache and itself; `qkv` are its projections before rotation. */
function tracedAttention({ heads, kvHeads, headDim, ropeBase }: Architecture, qkv: Float64Array, cache: BlockCache): Traced {
  const { count } = cache;
  const tables = ropeTables({ headDim, ropeBase }, [count]);
  const swap = (i: number): number => (i < headDim / 2 ? i + headDim / 2 : i - headDim / 2);
  const sine = Float64Array.from(tables.sin, (value, i) => (i < headDim / 2 ? -value : value));
  const rotate = (head: Float64Array): Float64Array => head.map((value, i) => value * (tables.cos[i] as number) + (head[swap(i)] as number) * (sine[i] as number));
  const unrotate = (head: Float64Array): Float64Array => head.map((value, i) => value * (tables.cos[i] as number) + (head[swap(i)] as number) * (sine[swap(i)] as number));
  const headAt = (index: number): Float64Array => qkv.subarray(index * headDim, (index + 1) * headDim);
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headDim);
  const cached = (all: Float32Array, kv: number, position: number): Float32Array => all.subarray((kv * count + position) * headDim, (kv * count + position + 1) * headDim);

  const out = new Float64Array(heads * headDim);
  const traces = Array.from({ length: heads }, (_, head) => {
    const kv = Math.floor(head / group);
    const query = rotate(headAt(head));
    const key = rotate(headAt(heads + kv));
    const value = headAt(heads + kvHeads + kv);
    const keyAt = (position: number): ArrayLike<number> => (position === count ? key : cached(cache.keys, kv, position));
    const valueAt = (position: number): ArrayLike<number> => (position === count ? value : cached(cache.values, kv, position));
    const scores = Float64Array.from({ length: count + 1 }, (__, position) => scale * dot(query, keyAt(position)));
    const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let position = 0; position <= count; position++) {
      weights[position] = (weights[position] as number) / total;
      addTo(out.subarray(head * headDim, (head + 1) * headDim), valueAt(position), weights[position] as number);
    }
    return { kv, query, keyAt, valueAt, weights };
  });
  return {
    out,
    back(derivative) {
      const byQkv = new Float64Array(qkv.length);
      for (const [head, { kv, query, keyAt, valueAt, weights }] of traces.entries()) {
        const byHead = derivative.subarray(head * headDim, (head + 1) * headDim);
        const byWeight = weights.map((_, position) => dot(byHead, valueAt(position)));
        const mean = dot(byWeight, weights);
        const byScore = weights.map((weight, position) => weight * ((byWeight[position] as number) - mean) * scale);
        const byQuery = new Float64Array(headDim);
        for (let position = 0; position <= count; position++) addTo(byQuery, keyAt(position), byScore[position] as number);
        addTo(byQkv.subarray(head * headDim, (head + 1) * headDim), unrotate(byQuery), 1);
        // Only the new position's key and value depend on this row; the heads of a group share them.
        const ownKey = (heads + kv) * headDim;
        addTo(byQkv.subarray(ownKey, ownKey + headDim), unrotate(query), byScore[count] as number);
        const ownValue = (heads + kvHeads + kv) * headDim;
        addTo(byQkv.subarray(ownValue, ownValue + headDim), byHead, weights[count] as number);
      }
      return byQkv;
    },
  };
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function added(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] as number));
}

function addTo(sum: Float64Array, values: ArrayLike<number>, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + factor * (values[i] as number);
}
