import { MAX_STAGES } from '@ciro/core/protocol/limits.ts';
import { cutBytes } from './cut-layers.ts';
import { roomiestRing } from './roomiest-ring.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** Taken for a tab's budget while there is none to go by: what a renderer with an end of the default model may take (benchmarks/bars.json). */
export const TYPICAL_BUDGET_BYTES = 700e6;

/** What is missing before a model can be placed. */
export interface Shortage {
  /** At least the size of a layer: budgets that suffice in sum but not in pieces lack one more piece. */
  readonly missingBytes: number;
  /** The least number of further tabs with `workerBytes` each over which, and those that are here, it could be placed. */
  readonly missingWorkers: number;
  /** Memory budget that the missing tabs are taken to have: that of most of those here, and more only where no number of them would do. */
  readonly workerBytes: number;
}

/** What the tabs with these budgets (bytes) lack to hold a model with caches of `positions` (SPEC P4); undefined when they hold it. Pure, whatever the order of the budgets. */
export function shortageOf(footprint: ModelFootprint, positions: number, budgets: readonly number[]): Shortage | undefined {
  const sorted = budgets.toSorted((a, b) => a - b);
  const isPlaceable = (more: number, each: number): boolean => roomiestRing([...sorted, ...new Array<number>(more).fill(each)], footprint, positions) !== undefined;
  if (isPlaceable(0, 0)) return undefined;
  const needed = cutBytes(0, footprint.layers, footprint, positions);
  const had = sorted.reduce((sum, bytes) => sum + bytes, 0);
  let workerBytes = Math.max(sorted[sorted.length >> 1] ?? TYPICAL_BUDGET_BYTES, 1);
  while (!isPlaceable(MAX_STAGES, workerBytes)) workerBytes *= 2;
  let [less, missingWorkers] = [0, MAX_STAGES];
  while (missingWorkers - less > 1) {
    const middle = (less + missingWorkers) >> 1;
    if (isPlaceable(middle, workerBytes)) missingWorkers = middle;
    else less = middle;
  }
  return { missingBytes: Math.max(needed - had, ...footprint.layerBytes), missingWorkers, workerBytes };
}
