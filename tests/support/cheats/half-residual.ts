import { addLayer, addNorm } from '@ciro/core/model/graph/layer-nodes.ts';
import { OnnxModel } from '@ciro/core/model/graph/onnx-model.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';

/** ONNX TensorProto.DataType. */
const FLOAT = 1;
const FLOAT16 = 10;

/**
 * The stage's graph with the residual stream held in half precision between layers, while the plan's class says f32. Inputs
 * and outputs are those of `buildLayersGraph`.
 */
export function halfResidualGraph(architecture: Architecture, shape: StageShape): Graph {
  const { hidden, headDim } = architecture;
  const model = new OnnxModel(`layers ${shape.from} to ${shape.to}, half residual`);
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
    const output = layer === shape.to - 1 && !shape.heads ? rows : `residual.${layer}`;
    const half = model.node('Cast', [addLayer(model, architecture, layer, x, shared)], `half.${layer}`, { to: FLOAT16 });
    x = model.node('Cast', [half], output, { to: FLOAT });
  }
  if (shape.heads) addNorm(model, architecture, x, 'final_norm', rows);
  return { bytes: model.bytes(), inputs: model.inputs, outputs: model.outputs, weights: model.weights };
}
