/** Attacks on how a stage is computed: other weights, a cheaper cache, a cheaper residual, another prompt. */
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { cache8Bit } from '../../../tests/support/cheats/cache-8-bit.ts';
import { earlyExit, skippedLayer } from '../../../tests/support/cheats/fewer-layers.ts';
import { halfResidualGraph } from '../../../tests/support/cheats/half-residual.ts';
import { lowRankUpdate } from '../../../tests/support/cheats/low-rank-update.ts';
import { otherSeed, permutedLayers } from '../../../tests/support/cheats/other-model.ts';
import { requantise4, requantise8 } from '../../../tests/support/cheats/requantise.ts';
import { withWeights } from '../../../tests/support/cheats/weight-cheat.ts';
import { weightNoise } from '../../../tests/support/cheats/weight-noise.ts';
import { openStage } from '../stages.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { WeightCheat } from '../../../tests/support/cheats/weight-cheat.ts';
import type { BenchModel, BenchStage } from '../models.ts';
import type { CreateSession, OpenStage } from '../stages.ts';

/** Everything random in these attacks. */
export const ATTACK_SEED = 20_251_125;

/** How a stage is computed by a cheat. */
export interface ComputeAttack {
  readonly name: string;
  /** The first unit of a job in which it makes a difference; 0 when absent. */
  readonly firstUnit?: number;
  open(model: BenchModel, stage: BenchStage): Promise<OpenStage>;
}

const byWeights = (name: string, cheat: (shape: StageShape) => WeightCheat): ComputeAttack => ({
  name,
  open: (model, { shape }) => openStage(cheatedModel(model, shape, cheat(shape)), shape, { create: withoutHead() }),
});

export const COMPUTE_ATTACKS: readonly ComputeAttack[] = [
  byWeights('other model, another seed', () => otherSeed(ATTACK_SEED)),
  byWeights('other model, layers permuted', () => permutedLayers),
  byWeights('re-quantised to 8 bits', () => requantise8),
  byWeights('re-quantised to 4 bits', () => requantise4),
  byWeights('1 % weight noise', () => weightNoise(0.01, ATTACK_SEED)),
  byWeights('adapter of rank 8, 5 %', () => lowRankUpdate(0.05, ATTACK_SEED)),
  byWeights('skipped layer', skippedLayer),
  byWeights('early exit', earlyExit),
  // Its first chunk reads nothing from the cache and is honest.
  { name: 'KV cache in 8 bits', firstUnit: 1, open: (model, { shape }) => openStage(model, shape, { create: withoutHead(), wrap: (layers) => cache8Bit(layers, model.manifest.architecture.headDim) }) },
  { name: 'fp16 residual declared fp32', open: (model, { shape }) => openStage(model, shape, { create: withoutHead((_, weight) => createReferenceSession(halfResidualGraph(model.manifest.architecture, shape), weight)) }) },
];

/** The model as the cheat loads it. */
export function cheatedModel(model: BenchModel, shape: StageShape, cheat: WeightCheat): BenchModel {
  const { manifest, shards } = withWeights({ manifest: model.manifest, shape, shards: model.shard }, cheat);
  const blank = (name: string): Uint8Array | undefined => (name === 'embedding' && !shape.embeds ? new Uint8Array(manifest.shards.find((shard) => shard.name === name)?.bytes ?? 0) : undefined);
  // These attacks ask for rows only; a tied head's matrix would be cheated, expanded and never used.
  return { ...model, manifest, shard: async (name) => blank(name) ?? shards(name) };
}

/** Sessions for a stage that is never asked for logits: the head is not loaded, which would take longer than the layers. */
export function withoutHead(layers: CreateSession = createReferenceSession): CreateSession {
  return async (graph, weight) => {
    if (!graph.outputs.includes('logits')) return layers(graph, weight);
    return { run: () => Promise.reject(new Error('this stage was opened without its head')), release: () => Promise.resolve() };
  };
}
