/**
 * A stage written as plainly as possible in float64, with no code of the graph or of onnxruntime-web: what a provider's
 * results are held against before it may serve. Slow; for the small shapes of the qualification only.
 */
import { exp } from '@ciro/core/numeric/exponential.ts';
import { ropeTables } from '@ciro/core/numeric/rope-tables.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';

type Row = Float64Array<ArrayBuffer>;

interface LayerCache {
  readonly keys: Row[];
  readonly values: Row[];
}

export class PlainTransformer {
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  readonly #weight: (name: string) => Float32Array;
  readonly #caches: LayerCache[];

  /** `weight(name)` gives a graph weight's values, row-major in the graph's dims. */
  constructor(architecture: Architecture, shape: StageShape, weight: (name: string) => Float32Array) {
    this.#architecture = architecture;
    this.#shape = shape;
    this.#weight = weight;
    this.#caches = Array.from({ length: shape.to - shape.from }, () => ({ keys: [], values: [] }));
  }

  /** The next position's row [d]: residual row, or final-norm row for the last stage. */
  step(input: ArrayLike<number>): Row {
    let x = Float64Array.from(input);
    for (let layer = this.#shape.from; layer < this.#shape.to; layer++) x = this.#layer(layer, x);
    return this.#shape.heads ? this.#norm(x, 'final_norm') : x;
  }

  #layer(layer: number, x: Row): Row {
    const at = (name: string): string => `layer-${layer}.${name}`;
    const middle = sum(x, this.#attention(layer, this.#norm(x, at('attention_norm'))));
    const gateUp = this.#product(this.#norm(middle, at('feed_forward_norm')), at('gate_up'));
    const { feedForward } = this.#architecture;
    const gated = gateUp.subarray(0, feedForward).map((gate, i) => (gate / (1 + exp(-gate))) * (gateUp[feedForward + i] ?? 0));
    return sum(middle, this.#product(gated, at('down')));
  }

  #attention(layer: number, x: Row): Row {
    const { heads, kvHeads, headDim } = this.#architecture;
    const projected = this.#product(x, `layer-${layer}.qkv`);
    const { keys, values } = this.#cache(layer);
    const position = keys.length;
    keys.push(this.#rotate(projected.subarray(heads * headDim, (heads + kvHeads) * headDim), position));
    values.push(projected.slice((heads + kvHeads) * headDim));
    const queries = this.#rotate(projected.subarray(0, heads * headDim), position);
    const mixed = new Float64Array(heads * headDim);
    for (let head = 0; head < heads; head++) {
      const shared = Math.floor(head / (heads / kvHeads)) * headDim;
      const query = queries.subarray(head * headDim, (head + 1) * headDim);
      const scores = keys.map((key) => dot(query, key.subarray(shared, shared + headDim)) / Math.sqrt(headDim));
      const most = Math.max(...scores);
      const weights = scores.map((score) => exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      weights.forEach((weight, i) => {
        for (let k = 0; k < headDim; k++) mixed[head * headDim + k] = (mixed[head * headDim + k] ?? 0) + (weight / total) * (values[i]?.[shared + k] ?? 0);
      });
    }
    return this.#product(mixed, `layer-${layer}.output`);
  }

  #cache(layer: number): LayerCache {
    const cache = this.#caches[layer - this.#shape.from];
    if (!cache) throw new RangeError(`layer ${layer} is outside the stage`);
    return cache;
  }

  /** Half-split rotation of every head in the row. */
  #rotate(row: Row, position: number): Row {
    const { headDim } = this.#architecture;
    const tables = ropeTables(this.#architecture, [position]);
    return row.map((value, i) => {
      const k = i % headDim;
      const half = headDim / 2;
      const partner = k < half ? -(row[i + half] ?? 0) : (row[i - half] ?? 0);
      return value * (tables.cos[k] ?? 0) + partner * (tables.sin[k] ?? 0);
    });
  }

  #norm(x: Row, name: string): Row {
    const gain = this.#weight(name);
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + this.#architecture.normEpsilon);
    return x.map((value, i) => value * scale * (gain[i] ?? 0));
  }

  /** x times a weight stored [rows, x.length]. */
  #product(x: Row, name: string): Row {
    const matrix = this.#weight(name);
    const width = x.length;
    const out = new Float64Array(matrix.length / width);
    // One loop over two kinds of array, which the optimiser then knows: a tab waits for this before it joins.
    for (let row = 0, at = 0; row < out.length; row++) {
      let total = 0;
      for (let i = 0; i < width; i++, at++) total += (x[i] as number) * (matrix[at] as number);
      out[row] = total;
    }
    return out;
  }
}

function dot(a: Row, b: Row): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] ?? 0) * (b[i] ?? 0);
  return total;
}

function sum(a: Row, b: Row): Row {
  return a.map((value, i) => value + (b[i] ?? 0));
}
