import { cutBytes, ringCost, ROUNDING, stageCost, stageMs } from './cut-layers.ts';
import { MAX_NEARER_STEPS } from './scheduler-limits.ts';
import type { Cut, PlacementWorker } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';

interface Model {
  readonly footprint: ModelFootprint;
  readonly positions: number;
  /** No stage may take longer, milliseconds a position. */
  readonly withinMs: number;
}

/** Less than this is rounding: a step must make a ring cheaper, or steps would go round. */
const LEAST_GAIN_MS = 1e-9;

/**
 * The same ranges over workers that are nearer to one another (SPEC W5): one worker is replaced, or two change places, by whichever step makes the ring
 * cheapest, until none does. No stage gets slower than `withinMs`, nobody holds more than its memory, and the ring never costs more than before. Pure; equal steps
 * are taken in the order of stages and `workers`.
 */
export function nearerRing(ring: readonly Cut[], workers: readonly PlacementWorker[], model: Model): readonly Cut[] {
  // Where no pair is known every hop is the sum of its ends, which the search for the ring has made least already.
  if (ring.length < 2 || workers.every(({ rttTo }) => rttTo === undefined || rttTo.size === 0)) return ring;
  const search = new Search(ring, workers, model);
  for (let steps = 0; steps < MAX_NEARER_STEPS && search.step(); steps++);
  return ringCost(search.ring, model.footprint) < ringCost(ring, model.footprint) ? search.ring : ring;
}

class Search {
  readonly #footprint: ModelFootprint;
  readonly #workers: readonly PlacementWorker[];
  readonly #mostMs: number;
  /** Of each stage; ranges do not change. */
  readonly #bytes: readonly number[];
  #ring: Cut[];

  constructor(ring: readonly Cut[], workers: readonly PlacementWorker[], { footprint, positions, withinMs }: Model) {
    this.#footprint = footprint;
    this.#workers = workers;
    this.#mostMs = withinMs * ROUNDING;
    this.#bytes = ring.map(({ from, to }) => cutBytes(from, to, footprint, positions));
    this.#ring = [...ring];
  }

  get ring(): readonly Cut[] {
    return this.#ring;
  }

  /** Takes the best step that there is; false when none makes the ring cheaper. */
  step(): boolean {
    const before = [...this.#ring];
    const inRing = new Set(before.map(({ worker }) => worker));
    const others = this.#workers.filter((worker) => !inRing.has(worker));
    let [bestGain, best] = [LEAST_GAIN_MS, before];
    const look = (a: number, forA: PlacementWorker, b: number, forB: PlacementWorker): void => {
      const [wasA, wasB] = [before[a] as Cut, before[b] as Cut];
      const cost = this.#around(a, b);
      this.#ring[b] = { ...wasB, worker: forB };
      this.#ring[a] = { ...wasA, worker: forA };
      const gain = cost - this.#around(a, b);
      if (gain > bestGain) [bestGain, best] = [gain, [...this.#ring]];
      this.#ring[b] = wasB;
      this.#ring[a] = wasA;
    };
    before.forEach(({ worker }, stage) => {
      for (const other of others) if (this.#holds(other, stage)) look(stage, other, stage, other);
      for (let later = stage + 1; later < before.length; later++) {
        const { worker: there } = before[later] as Cut;
        if (this.#holds(there, stage) && this.#holds(worker, later)) look(stage, there, later, worker);
      }
    });
    this.#ring = best;
    return bestGain > LEAST_GAIN_MS;
  }

  #holds(worker: PlacementWorker, stage: number): boolean {
    const { from, to } = this.#ring[stage] as Cut;
    return (this.#bytes[stage] ?? 0) <= worker.memoryBudgetBytes && stageMs({ worker, from, to }, this.#footprint) <= this.#mostMs;
  }

  /** What changes with two stages, or with one: they, and the hop that leads to each. */
  #around(a: number, b: number): number {
    const { length } = this.#ring;
    const [beforeA, beforeB] = [(a + length - 1) % length, (b + length - 1) % length];
    let cost = this.#cost(a) + this.#cost(beforeA);
    if (b !== a && b !== beforeA) cost += this.#cost(b);
    if (beforeB !== a && beforeB !== beforeA && beforeB !== b) cost += this.#cost(beforeB);
    return cost;
  }

  #cost(stage: number): number {
    return stageCost(this.#ring[stage] as Cut, this.#ring[(stage + 1) % this.#ring.length] as Cut, this.#footprint);
  }
}
