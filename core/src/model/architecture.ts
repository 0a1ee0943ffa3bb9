/** The numbers a stage graph is built from. Names follow the model card's usual terms; sizes are element counts. */
export interface Architecture {
  /** Graph family. `llama` covers Llama, SmolLM2 and Mistral files (GGUF `general.architecture = llama`). */
  readonly family: 'llama';
  readonly layers: number;
  /** Width of the residual stream, d. */
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Longest sequence, in positions, that the file declares. */
  readonly context: number;
  readonly ropeBase: number;
  readonly normEpsilon: number;
  /** The output projection is the embedding matrix (no `output.weight` in the file). */
  readonly tiedHead: boolean;
}

/** Half-open range of layers `[from, to)` held by one stage. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** What one stage computes: its layers, and whether it starts from token ids or ends in logits. */
export interface StageShape extends LayerRange {
  /** First stage: input is token ids, rows come from the embedding shard. */
  readonly embeds: boolean;
  /** Last stage: applies the final norm and the head. */
  readonly heads: boolean;
}

/** The stage shape of a range within a model of `layers` layers. */
export function stageShape(range: LayerRange, layers: number): StageShape {
  return { from: range.from, to: range.to, embeds: range.from === 0, heads: range.to === layers };
}
