import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutBytes } from './cut-layers.ts';
import { place } from './placement.ts';
import { roomiestRing } from './roomiest-ring.ts';
import { shortageOf, TYPICAL_BUDGET_BYTES } from './shortage.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';

const SEED = 20_261_130;
const MB = 1e6;
/** 0.9 B parameters: 35 layers of 99 MB. */
const large: ModelFootprint = { layers: 35, layerBytes: new Array<number>(35).fill(99 * MB), shardBytes: new Array<number>(35).fill(26 * MB), embeddingBytes: 27 * MB, headBytes: 101 * MB, headShardBytes: 27 * MB, kvBytes: 3_072 };
const POSITIONS = 2_048;
const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;
const worker = (memoryBudgetBytes: number, n: number): PlacementWorker => ({ nodeId: nodeId(n), layerMs: 1 + (n % 3), headMs: 3, memoryBudgetBytes, rttMs: 10 });
const placed = (footprint: ModelFootprint, budgets: readonly number[]): boolean => place({ footprint, workers: budgets.map(worker), stages: 3, positions: POSITIONS }).placed;

const footprints = fc.record({ layers: fc.integer({ min: 1, max: 14 }), layer: fc.integer({ min: 1, max: 40 }), embedding: fc.integer({ min: 1, max: 60 }), head: fc.integer({ min: 1, max: 90 }) }).map(
  ({ layers, layer, embedding, head }): ModelFootprint => ({ layers, layerBytes: new Array<number>(layers).fill(layer * MB), shardBytes: new Array<number>(layers).fill(MB), embeddingBytes: embedding * MB, headBytes: head * MB, headShardBytes: MB, kvBytes: 100 }),
);
const budgets = fc.array(fc.integer({ min: 0, max: 200 }).map((megabytes) => megabytes * MB), { maxLength: 9 });

it('P4: a large model needs as many tabs as its ranges fill, and fewer with each that joins', () => {
  expect(shortageOf(large, POSITIONS, [])).toMatchObject({ missingWorkers: 6, workerBytes: TYPICAL_BUDGET_BYTES });
  const counts = Array.from({ length: 18 }, (_, joined) => shortageOf(large, POSITIONS, new Array<number>(joined + 1).fill(300 * MB))?.missingWorkers ?? 0);
  expect(counts).toEqual(Array.from({ length: 18 }, (_, joined) => 17 - joined));
});

it('P4: tabs that could not hold an end of the model, however many, are not what is asked for', () => {
  const shortage = shortageOf(large, POSITIONS, [100 * MB]);
  expect(shortage).toMatchObject({ workerBytes: 400 * MB, missingWorkers: 12 });
});

it('P4: with so many more tabs it is placed, with one less it is not', () => {
  fc.assert(
    fc.property(footprints, budgets, (footprint, here) => {
      const shortage = shortageOf(footprint, POSITIONS, here);
      if (shortage === undefined) return placed(footprint, here);
      const { missingWorkers, workerBytes, missingBytes } = shortage;
      const with_ = (more: number): boolean => placed(footprint, [...here, ...new Array<number>(more).fill(workerBytes)]);
      return missingWorkers >= 1 && missingBytes > 0 && !with_(missingWorkers - 1) && with_(missingWorkers);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

it('P4: equal budgets in any order lack the same', () => {
  fc.assert(
    fc.property(footprints, budgets, (footprint, here) => {
      expect(shortageOf(footprint, POSITIONS, here.toReversed())).toEqual(shortageOf(footprint, POSITIONS, here));
    }),
    { seed: SEED, numRuns: 200 },
  );
});

it('the roomiest ring covers the layers in order, over different budgets, none of which it exceeds, of any layers', () => {
  const uneven = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 14 }).map((sizes): ModelFootprint => ({ layers: sizes.length, layerBytes: sizes.map((size) => size * MB), shardBytes: sizes, embeddingBytes: 30 * MB, headBytes: 50 * MB, headShardBytes: MB, kvBytes: 100 }));
  fc.assert(
    fc.property(uneven, budgets, (footprint, here) => {
      const ring = roomiestRing(here, footprint, POSITIONS);
      if (ring === undefined) return true;
      let next = 0;
      for (const { budget, from, to } of ring) {
        if (from !== next || to <= from || cutBytes(from, to, footprint, POSITIONS) > (here[budget] ?? -1)) return false;
        next = to;
      }
      return next === footprint.layers && new Set(ring.map(({ budget }) => budget)).size === ring.length;
    }),
    { seed: SEED, numRuns: 500 },
  );
});
