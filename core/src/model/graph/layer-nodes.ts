import type { Architecture } from '../architecture.ts';
import type { OnnxModel } from './onnx-model.ts';

/** Names of the inputs that every layer of a stage shares. */
export interface SharedInputs {
  readonly cos: string;
  readonly sin: string;
  readonly mask: string;
  /** int64 [4]: batch, new tokens, heads + 2 kvHeads, headDim. */
  readonly headShape: string;
  /** int64 [2]: cache capacity and new tokens, which split the attention weights. */
  readonly keySizes: string;
}

/** Widths that recur in a layer. `group` = query heads per key head. */
export function widths(architecture: Architecture): { query: number; key: number; group: number } {
  const { heads, kvHeads, headDim } = architecture;
  return { query: heads * headDim, key: kvHeads * headDim, group: heads / kvHeads };
}

/**
 * Adds one transformer block: x [B*T, d] → [B*T, d], named `output` if given.
 *
 * Attention is made of plain operators (decision D3). Scores against the cache and against the new tokens are two
 * products joined on the key axis, so the cache is read where it lies and only the new rows leave the graph. The heads of
 * a group share their key head: they lie along the query axis, so keys and values are never expanded.
 */
export function addLayer(model: OnnxModel, architecture: Architecture, layer: number, x: string, shared: SharedInputs, output?: string): string {
  const { hidden, heads, kvHeads, headDim, feedForward } = architecture;
  const { query, key, group } = widths(architecture);
  const at = (name: string): string => `layer-${layer}.${name}`;
  const integers = (...values: number[]): string => model.integers(values);

  const normed = addNorm(model, architecture, x, at('attention_norm'), at('attention_input'));
  addProduct(model, normed, at('qkv'), [query + 2 * key, hidden], at('projected'));
  model.node('Reshape', [at('projected'), shared.headShape], at('all_heads'));
  model.nodeWithOutputs('Split', [at('all_heads'), integers(heads + kvHeads, kvHeads)], [at('qk'), at('v_heads')], { axis: 2 });

  // RoPE on query and key heads at once: x * cos + swapHalves(x) * sin, where the sine rows carry the sign.
  model.nodeWithOutputs('Split', [at('qk'), integers(headDim / 2, headDim / 2)], [at('first_half'), at('second_half')], { axis: -1 });
  model.node('Concat', [at('second_half'), at('first_half')], at('swapped'), { axis: -1 });
  model.node('Mul', [at('qk'), shared.cos], at('straight'));
  model.node('Mul', [at('swapped'), shared.sin], at('turned'));
  model.node('Add', [at('straight'), at('turned')], at('rotated'));
  model.nodeWithOutputs('Split', [at('rotated'), integers(heads, kvHeads)], [at('q_heads'), at('k_heads')], { axis: 2 });

  model.node('Reshape', [at('q_heads'), integers(0, 0, kvHeads, group, headDim)], at('q_groups'));
  model.node('Transpose', [at('q_groups')], at('q_major'), { perm: [0, 2, 3, 1, 4] });
  model.node('Mul', [at('q_major'), model.float(1 / Math.sqrt(headDim))], at('q_scaled'));
  const q = model.node('Reshape', [at('q_scaled'), integers(0, kvHeads, -1, headDim)], at('q'));

  const newKey = model.output(newKeyName(layer), ['B', kvHeads, 'T', headDim]);
  const newValue = model.output(newValueName(layer), ['B', kvHeads, 'T', headDim]);
  model.node('Transpose', [at('k_heads')], newKey, { perm: [0, 2, 1, 3] });
  model.node('Transpose', [at('v_heads')], newValue, { perm: [0, 2, 1, 3] });
  const keyCache = model.input(keyCacheName(layer), ['B', kvHeads, 'C', headDim]);
  const valueCache = model.input(valueCacheName(layer), ['B', kvHeads, 'C', headDim]);

  model.node('Transpose', [keyCache], at('cache_columns'), { perm: [0, 1, 3, 2] });
  model.node('MatMul', [q, at('cache_columns')], at('cache_scores'));
  model.node('Transpose', [at('k_heads')], at('new_columns'), { perm: [0, 2, 3, 1] });
  model.node('MatMul', [q, at('new_columns')], at('new_scores'));
  model.node('Concat', [at('cache_scores'), at('new_scores')], at('scores'), { axis: -1 });
  model.node('Add', [at('scores'), shared.mask], at('masked'));
  model.node('Softmax', [at('masked')], at('weights'), { axis: -1 });
  model.nodeWithOutputs('Split', [at('weights'), shared.keySizes], [at('cache_weights'), at('new_weights')], { axis: -1 });
  model.node('MatMul', [at('cache_weights'), valueCache], at('from_cache'));
  model.node('MatMul', [at('new_weights'), newValue], at('from_new'));
  model.node('Add', [at('from_cache'), at('from_new')], at('mixed'));

  model.node('Reshape', [at('mixed'), integers(0, kvHeads, group, -1, headDim)], at('mixed_groups'));
  model.node('Transpose', [at('mixed_groups')], at('mixed_tokens'), { perm: [0, 3, 1, 2, 4] });
  model.node('Reshape', [at('mixed_tokens'), integers(-1, query)], at('mixed_flat'));
  addProduct(model, at('mixed_flat'), at('output'), [hidden, query], at('attended'));
  const middle = model.node('Add', [x, at('attended')], at('middle'));

  const fed = addNorm(model, architecture, middle, at('feed_forward_norm'), at('feed_forward_input'));
  addProduct(model, fed, at('gate_up'), [2 * feedForward, hidden], at('gate_up_out'));
  model.nodeWithOutputs('Split', [at('gate_up_out'), integers(feedForward, feedForward)], [at('gate'), at('up')], { axis: -1 });
  model.node('Sigmoid', [at('gate')], at('gate_sigmoid'));
  model.node('Mul', [at('gate'), at('gate_sigmoid')], at('gate_silu'));
  model.node('Mul', [at('gate_silu'), at('up')], at('gated'));
  addProduct(model, at('gated'), at('down'), [hidden, feedForward], at('fed_forward'));
  return model.node('Add', [middle, at('fed_forward')], output ?? at('out'));
}

/** x [M, width] times a weight stored as the file stores it, [rows, width]: → [M, rows]. */
export function addProduct(model: OnnxModel, x: string, weight: string, dims: readonly [number, number], output: string): string {
  return model.node('Gemm', [x, model.weight(weight, dims)], output, { transB: 1 });
}

/** Root-mean-square norm with a learnt gain of width d. */
export function addNorm(model: OnnxModel, architecture: Architecture, x: string, weight: string, output: string): string {
  const gain = model.weight(weight, [architecture.hidden]);
  return model.node('SimplifiedLayerNormalization', [x, gain], output, { axis: -1, epsilon: { float: architecture.normEpsilon } });
}

export const keyCacheName = (layer: number): string => `key_cache.${layer}`;
export const valueCacheName = (layer: number): string => `value_cache.${layer}`;
export const newKeyName = (layer: number): string => `new_key.${layer}`;
export const newValueName = (layer: number): string => `new_value.${layer}`;
