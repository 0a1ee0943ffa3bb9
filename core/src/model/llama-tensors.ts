import type { Architecture } from './architecture.ts';

/** A tensor that a shard must hold: its name in the file and its sizes, contiguous axis first. */
export interface ExpectedTensor {
  readonly name: string;
  readonly dims: readonly number[];
}

/** A shard's name and the tensors it holds. */
export interface ExpectedShard {
  readonly name: string;
  readonly tensors: readonly ExpectedTensor[];
}

/** The one list of what a llama model consists of: `embedding`, `layer-0` … `layer-(L-1)`, `head`. */
export function llamaShards(architecture: Architecture): ExpectedShard[] {
  const { hidden, vocabulary, layers, tiedHead } = architecture;
  const head: ExpectedTensor[] = [{ name: 'output_norm.weight', dims: [hidden] }];
  if (!tiedHead) head.push({ name: 'output.weight', dims: [hidden, vocabulary] });
  return [
    { name: 'embedding', tensors: [{ name: 'token_embd.weight', dims: [hidden, vocabulary] }] },
    ...Array.from({ length: layers }, (_, layer) => ({ name: `layer-${layer}`, tensors: layerTensors(architecture, layer) })),
    { name: 'head', tensors: head },
  ];
}

function layerTensors(architecture: Architecture, layer: number): ExpectedTensor[] {
  const { hidden, heads, kvHeads, headDim, feedForward } = architecture;
  const prefix = `blk.${layer}`;
  return [
    { name: `${prefix}.attn_norm.weight`, dims: [hidden] },
    { name: `${prefix}.attn_q.weight`, dims: [hidden, heads * headDim] },
    { name: `${prefix}.attn_k.weight`, dims: [hidden, kvHeads * headDim] },
    { name: `${prefix}.attn_v.weight`, dims: [hidden, kvHeads * headDim] },
    { name: `${prefix}.attn_output.weight`, dims: [heads * headDim, hidden] },
    { name: `${prefix}.ffn_norm.weight`, dims: [hidden] },
    { name: `${prefix}.ffn_gate.weight`, dims: [hidden, feedForward] },
    { name: `${prefix}.ffn_up.weight`, dims: [hidden, feedForward] },
    { name: `${prefix}.ffn_down.weight`, dims: [feedForward, hidden] },
  ];
}
