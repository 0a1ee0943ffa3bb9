/** The last stage with its insides: a row can be pushed, tried and taken back, and its gradient asked for. */
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { dequantiseRows } from '@ciro/core/model/quantisation/dequantise.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { dot, tracedBlock, tracedNorm } from './steering-gradient.ts';
import type { SessionPort } from '@ciro/core/model/job-cache.ts';
import type { BenchModel, BenchStage } from './models.ts';
import type { BlockCache, BlockWeights } from './steering-gradient.ts';

const JOB = 'steered';

/** One sequence on the last stage, position after position. */
export interface SteeredSequence {
  /** Logits after this input row at the next position. The row stays in the cache until `back`. */
  step(row: Float32Array): Promise<Float32Array>;
  /** Takes input rows of the next `count` positions into the cache. */
  take(rows: Float32Array, count: number): Promise<void>;
  /** Takes the newest position back. */
  back(): void;
  /** Derivative of (logit of `wanted` − logit of `instead`) by the input row at the next position. */
  gradient(row: Float32Array, wanted: number, instead: number): Float64Array;
  close(): void;
}

export interface SteeringStage extends AsyncDisposable {
  open(positions: number): SteeredSequence;
}

/** A row of the output matrix by token id. */
export type HeadRow = (id: number) => Float32Array;

/** Reads rows of the head's matrix where it lies, tied or not. */
export async function headRows(model: BenchModel): Promise<HeadRow> {
  const { hidden, tiedHead } = model.manifest.architecture;
  const [shardName, name] = tiedHead ? ['embedding', 'token_embd.weight'] : ['head', 'output.weight'];
  const bytes = await model.shard(shardName);
  const tensor = model.manifest.shards.find((shard) => shard.name === shardName)?.tensors.find((each) => each.name === name);
  if (tensor === undefined) throw new RangeError(`${model.manifest.name} has no ${name}`);
  const matrix = bytes.subarray(tensor.offset, tensor.offset + tensor.bytes);
  return (id) => {
    const row = new Float32Array(hidden);
    dequantiseRows(tensor.type, matrix, hidden, id, 1, row);
    return row;
  };
}

/** Loads the stage: its weights once for the engine and once, as float32, for the gradient. */
export async function openSteeringStage(model: BenchModel, stage: BenchStage, headRow: HeadRow): Promise<SteeringStage> {
  const { architecture } = model.manifest;
  const { hidden, kvHeads, headDim, normEpsilon } = architecture;
  const { from, to } = stage.shape;
  const shards = new Map<string, Uint8Array>();
  for (const { name } of shardsOfStage(model.manifest, stage.shape)) shards.set(name, await model.shard(name));
  const weights = new StageWeights(model.manifest, stage.shape, shards);
  const copy = (name: string): Float32Array => weights.expand(name).slice();
  const layers = await createReferenceSession(buildLayersGraph(architecture, stage.shape), (name) => weights.expand(name));
  const head = await createReferenceSession(buildHeadGraph(architecture), (name) => weights.expand(name));
  const blocks = Array.from({ length: to - from }, (_, index): BlockWeights => {
    const at = (part: string): Float32Array => copy(`layer-${from + index}.${part}`);
    return { attentionNorm: at('attention_norm'), qkv: at('qkv'), output: at('output'), feedForwardNorm: at('feed_forward_norm'), gateUp: at('gate_up'), down: at('down') };
  });
  const finalNorm = copy('final_norm');
  // Keys and values of every position, [kvHeads, headDim] each, as the engine gave them.
  let cached: { readonly keys: Float32Array; readonly values: Float32Array }[][] = [];
  const watched: SessionPort = {
    async run(feeds) {
      const outputs = await layers.run(feeds);
      const count = (outputs[`new_key.${from}`] as Float32Array).length / (kvHeads * headDim);
      const rowsOf = (name: string, position: number): Float32Array => positionOf(outputs[name] as Float32Array, { count, position, headDim });
      for (let position = 0; position < count; position++) cached.push(blocks.map((_, index) => ({ keys: rowsOf(`new_key.${from + index}`, position), values: rowsOf(`new_value.${from + index}`, position) })));
      return outputs;
    },
  };
  const runner = new StageRunner(architecture, stage.shape, { layers: watched, head });

  const cacheOf = (block: number): BlockCache => {
    const count = cached.length;
    const [keys, values] = [new Float32Array(kvHeads * count * headDim), new Float32Array(kvHeads * count * headDim)];
    for (let position = 0; position < count; position++) {
      for (let kv = 0; kv < kvHeads; kv++) {
        const found = cached[position]?.[block];
        keys.set(found?.keys.subarray(kv * headDim, (kv + 1) * headDim) ?? [], (kv * count + position) * headDim);
        values.set(found?.values.subarray(kv * headDim, (kv + 1) * headDim) ?? [], (kv * count + position) * headDim);
      }
    }
    return { count, keys, values };
  };

  return {
    open(positions) {
      cached = [];
      runner.openJob(JOB, positions);
      return {
        async step(row) {
          const { logits } = await runner.run(JOB, cached.length, row, 1, { logits: true });
          if (logits === undefined) throw new Error('the head gave no logits');
          return logits;
        },
        async take(rows, count) {
          await runner.run(JOB, cached.length, rows, count);
        },
        back() {
          cached.pop();
          runner.truncate(JOB, cached.length);
        },
        gradient(row, wanted, instead) {
          let x: Float64Array = Float64Array.from(row);
          const backs = [];
          for (const [index, block] of blocks.entries()) {
            const traced = tracedBlock(architecture, block, cacheOf(index), x);
            backs.push(traced.back);
            x = traced.out;
          }
          const norm = tracedNorm(x, finalNorm, normEpsilon);
          const [a, b] = [headRow(wanted), headRow(instead)];
          let derivative = norm.back(Float64Array.from({ length: hidden }, (_, i) => (a[i] ?? 0) - (b[i] ?? 0)));
          for (const back of backs.reverse()) derivative = back(derivative);
          return derivative;
        },
        close: () => runner.closeJob(JOB),
      };
    },
    async [Symbol.asyncDispose]() {
      await layers.release();
      await head.release();
    },
  };
}

/** One position of keys or values [kvHeads, count, headDim], as [kvHeads, headDim]. */
function positionOf(all: Float32Array, { count, position, headDim }: { readonly count: number; readonly position: number; readonly headDim: number }): Float32Array {
  const out = new Float32Array(all.length / count);
  for (let to = 0, from = position * headDim; to < out.length; to += headDim, from += count * headDim) out.set(all.subarray(from, from + headDim), to);
  return out;
}

/** The ids with the largest logits, largest first. */
export function topIds(logits: Float32Array, count: number): number[] {
  const top: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id] as number;
    if (top.length === count && value <= (logits[top[count - 1] as number] as number)) continue;
    let at = top.length;
    while (at > 0 && value > (logits[top[at - 1] as number] as number)) at--;
    top.splice(at, 0, id);
    if (top.length > count) top.pop();
  }
  return top;
}

/** Logit of `wanted` less that of `instead`, from a final-norm row. */
export const logitGap = (row: Float32Array, headRow: HeadRow, wanted: number, instead: number): number => dot(row, headRow(wanted)) - dot(row, headRow(instead));
