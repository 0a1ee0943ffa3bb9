import { cutBytes } from './cut-layers.ts';
import { dealStandby } from './deal-standby.ts';
import { sameRange } from './slot.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Worker } from '../sessions/worker.ts';
import type { Assigned, Assignments } from './assignments.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { ServedModel } from './models-port.ts';
import type { LayerRange, Slot } from './slot.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { WorkerBook } from './worker-book.ts';
import type { Workers } from './workers-port.ts';

/** A placement, as far as spares stand by for it. */
export interface StandbyRing {
  readonly model: ServedModel;
  readonly footprint: ModelFootprint;
  readonly slots: readonly Slot[];
  /** Positions of KV cache that a range needs room for. */
  readonly reserved: number;
}

/** A range that a worker holds in advance, and whether it has loaded it. */
export type StandingBy = LayerRange & { readonly ready: boolean };

/** Keeps spares standing by: each holds one of the ring's ranges in advance, and is ready at once when its holder leaves. */
export class Standby {
  readonly #assignments: Assignments;
  readonly #workers: Pick<Workers, 'worker'>;
  readonly #standings: PlacementStandings;
  readonly #book: WorkerBook;

  constructor(assignments: Assignments, { workers, standings, book }: { readonly workers: Pick<Workers, 'worker'>; readonly standings: PlacementStandings; readonly book: WorkerBook }) {
    this.#assignments = assignments;
    this.#workers = workers;
    this.#standings = standings;
    this.#book = book;
  }

  /** What a worker outside the ring holds of this model. */
  of(worker: NodeId, modelId: HexHash): StandingBy | undefined {
    const told = this.#assignments.of(worker);
    return told?.modelId === modelId ? standing(told) : undefined;
  }

  /** Tells these spares what to hold. While the ring loads, nobody begins: its shards and its processor time go first. */
  arrange({ model, footprint, slots, reserved }: StandbyRing, spares: readonly Worker[]): void {
    const holders = slots.flatMap(({ holder }) => (holder === undefined ? [] : (this.#workers.worker(holder.worker) ?? [])));
    const reputations = this.#standings.reputations(holders);
    const ranges = slots.map(({ from, to, holder }) => ({ from, to, bytes: cutBytes(from, to, footprint, reserved), reputation: holder === undefined ? 0 : (reputations.get(holder.worker) ?? 0) }));
    const candidates = spares.map(({ nodeId, profile: { memoryBudgetBytes, layerMs } }) => ({ nodeId, memoryBudgetBytes: this.#book.memory(nodeId, memoryBudgetBytes), layerMs: layerMs * this.#book.slower(nodeId), holds: this.of(nodeId, model.id) }));
    const dealt = dealStandby(ranges, candidates, slots.some(({ holder }) => holder?.ready !== true));
    for (const { nodeId } of spares) {
      const range = dealt.get(nodeId);
      if (range === undefined) this.#assignments.takeAway(nodeId, model.id);
      else this.#assignments.give(nodeId, model.id, range, true);
    }
  }

  /** Ranges of the ring that one of these spares has loaded. */
  covered({ model, slots }: Pick<StandbyRing, 'model' | 'slots'>, spares: readonly Worker[]): number {
    const held = spares.map(({ nodeId }) => this.of(nodeId, model.id));
    return slots.filter((slot) => held.some((each) => each?.ready === true && sameRange(each, slot))).length;
  }
}

const standing = ({ from, to, holder }: Assigned): StandingBy => ({ from, to, ready: holder.ready });
