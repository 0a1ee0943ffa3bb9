/**
 * Builds the ONNX graphs of a stage from architecture numbers and a layer range (decision D2): any range can be assigned at
 * any time without an export. Weights are float32 external data, one file a weight, named as in `layer-weights.ts`.
 */
import { addLayer, addNorm, addProduct } from './layer-nodes.ts';
import { OnnxModel } from './onnx-model.ts';
import type { Architecture, StageShape } from '../architecture.ts';
import type { ExternalWeight } from './onnx-model.ts';

/** An encoded graph with the names a session needs. */
export interface Graph {
  /** ONNX ModelProto. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Weights that the session must be given as external data, in graph order. */
  readonly weights: readonly ExternalWeight[];
}

/** The head's matrix is multiplied in this many slices of rows, so that loading never holds the whole matrix twice. */
export const HEAD_SLICES = 8;

/**
 * The layers of a stage, and the final norm if it is the last one.
 *
 * Inputs, float32 unless said (B rows of a batch, T new tokens, C cache capacity, G query heads a key head):
 *   hidden [B*T, d] · cos, sin [B, T, 1, headDim] (sin with the first half negated) · mask [B, 1, G*T, C+T] ·
 *   head_shape int64 [4] = (B, T, heads + 2 kvHeads, headDim) · key_sizes int64 [2] = (C, T) ·
 *   key_cache.L, value_cache.L [B, kvHeads, C, headDim] for every layer L, C >= 1.
 * Outputs: rows [B*T, d] (residual rows, or final-norm rows for the last stage) · new_key.L, new_value.L [B, kvHeads, T, headDim].
 */
export function buildLayersGraph(architecture: Architecture, shape: StageShape): Graph {
  const { hidden, headDim } = architecture;
  const model = new OnnxModel(`layers ${shape.from} to ${shape.to}`);
  let x = model.input('hidden', ['M', hidden]);
  const shared = {
    cos: model.input('cos', ['B', 'T', 1, headDim]),
    sin: model.input('sin', ['B', 'T', 1, headDim]),
    mask: model.input('mask', ['B', 1, 'Q', 'S']),
    headShape: model.input('head_shape', [4], 'int64'),
    keySizes: model.input('key_sizes', [2], 'int64'),
  };
  const rows = model.output('rows', ['M', hidden]);
  for (let layer = shape.from; layer < shape.to; layer++) {
    const output = layer === shape.to - 1 && !shape.heads ? rows : undefined;
    x = addLayer(model, architecture, layer, x, shared, output);
  }
  if (shape.heads) addNorm(model, architecture, x, 'final_norm', rows);
  return finish(model);
}

/** The head: rows [M, d] of final-norm values → logits [M, vocabulary]. */
export function buildHeadGraph(architecture: Architecture): Graph {
  const { hidden } = architecture;
  const model = new OnnxModel('head');
  const rows = model.input('rows', ['M', hidden]);
  const parts: string[] = [];
  for (const slice of headSlices(architecture.vocabulary)) {
    parts.push(addProduct(model, rows, headSliceName(slice.first), [slice.rows, hidden], `logits.${slice.first}`));
  }
  model.node('Concat', parts, model.output('logits', ['M', architecture.vocabulary]), { axis: -1 });
  return finish(model);
}

/** Row ranges of the head's matrix, HEAD_SLICES of them at most. */
export function headSlices(vocabulary: number): { first: number; rows: number }[] {
  const rows = Math.ceil(vocabulary / HEAD_SLICES);
  const slices = [];
  for (let first = 0; first < vocabulary; first += rows) slices.push({ first, rows: Math.min(rows, vocabulary - first) });
  return slices;
}

export const headSliceName = (firstRow: number): string => `head.${firstRow}`;

function finish(model: OnnxModel): Graph {
  return { bytes: model.bytes(), inputs: model.inputs, outputs: model.outputs, weights: model.weights };
}
