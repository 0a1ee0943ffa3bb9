import { MAX_STAGES } from '@ciro/core/protocol/limits.ts';
import { cutBytes } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** A range of layers on the budget with this index. */
export interface RoomyCut {
  readonly budget: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Ranges that fit into memory budgets (bytes), each with caches of `positions`, whatever the workers' speed: the roomiest take as much as
 * they hold. Undefined when there are none; where layers are of equal size, as a Llama's are, that is so only if no ring fits at all.
 * Pure, and the order of the budgets decides between equal ones.
 */
export function roomiestRing(budgets: readonly number[], footprint: ModelFootprint, positions: number): readonly RoomyCut[] | undefined {
  const { layers } = footprint;
  // A ring over others is one over these, too: in place of each goes one with more room.
  const roomy = budgets.map((bytes, budget) => ({ bytes, budget })).sort((a, b) => b.bytes - a.bytes || a.budget - b.budget).slice(0, MAX_STAGES);
  const [roomiest] = roomy;
  const needed = cutBytes(0, layers, footprint, positions);
  if (roomiest === undefined || roomy.reduce((sum, { bytes }) => sum + bytes, 0) < needed) return undefined;
  if (roomiest.bytes >= needed) return [{ budget: roomiest.budget, from: 0, to: layers }];
  const fits = (bytes: number, from: number, to: number): boolean => cutBytes(from, to, footprint, positions) <= bytes;
  /** The furthest end of a range from here, at most `end`; `from` itself when no layer fits. */
  const reach = (bytes: number, from: number, end: number): number => {
    let to = from;
    while (to < end && fits(bytes, from, to + 1)) to++;
    return to;
  };
  const begins = roomy.map(({ bytes }) => reach(bytes, 0, layers - 1));
  const ends = roomy.map(({ bytes }) => {
    let from = layers;
    while (from > 1 && fits(bytes, from - 1, layers)) from--;
    return from;
  });
  // Budgets of one size are one kind: another of the same kind at an end changes nothing.
  const tried = new Set<string>();
  for (const [first, { bytes: firstBytes }] of roomy.entries()) {
    const begin = begins[first] ?? 0;
    if (begin === 0) continue;
    for (const [last, { bytes: lastBytes }] of roomy.entries()) {
      const kinds = `${firstBytes} ${lastBytes}`;
      const end = ends[last] ?? layers;
      if (last === first || end === layers || tried.has(kinds)) continue;
      tried.add(kinds);
      const cuts: RoomyCut[] = [{ budget: roomy[first]?.budget ?? 0, from: 0, to: Math.min(begin, end) }];
      let at = Math.min(begin, end);
      for (const [middle, { bytes, budget }] of roomy.entries()) {
        if (at === end) break;
        if (middle === first || middle === last) continue;
        const to = reach(bytes, at, end);
        if (to > at) cuts.push({ budget, from: at, to });
        at = to;
      }
      if (at === end) return [...cuts, { budget: roomy[last]?.budget ?? 0, from: end, to: layers }];
    }
  }
  return undefined;
}
