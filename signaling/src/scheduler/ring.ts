import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import { positionMs } from './choose-ring.ts';
import { MENDED_WITHIN_MS } from './scheduler-limits.ts';
import type { OpenRing } from './choose-ring.ts';
import type { ReadyPlacement } from './placer-port.ts';
import type { LinkStatus } from './ring-links.ts';
import type { Placer } from './placer.ts';
import type { StageStatus } from './slot.ts';

/** What a job asks of a ring. */
export interface RingWish {
  readonly modelId: HexHash;
  /** As many as usual when absent. */
  readonly stages?: number | undefined;
  /** Workers that must have no part in it. */
  readonly exclude: readonly NodeId[];
  /** Positions of KV cache that every stage sets aside for it. */
  readonly positions: number;
}

/** A ring over which this job could run, now or when others are over. */
export interface RingOffer extends OpenRing {
  readonly ring: Ring;
  readonly placement: ReadyPlacement;
}

/** For operators: one ring. */
export interface RingStatus {
  readonly number: number;
  /** Every stage holds its shards and every link is open. */
  readonly ready: boolean;
  readonly running: number;
  readonly stages: readonly StageStatus[];
  readonly links: readonly LinkStatus[];
  /** Workers that are there for this ring and have no stage of it; of the first all that are in no ring. */
  readonly spares: number;
  /** Ranges that one of them has loaded. */
  readonly standby: number;
}

/** A ring: a placer over workers of its own, and the jobs that run over it. */
export class Ring {
  /** Counts rings: never used again. */
  readonly number: number;
  readonly placer: Placer;
  /** Workers of a further ring; some may have gone and be waited for. The first has all that are in no other. */
  readonly members = new Set<NodeId>();
  /** Jobs with the positions that they set aside. */
  readonly running = new Map<JobId, number>();
  /** When it lost a worker of a range for the last time. */
  brokeAt = Number.NEGATIVE_INFINITY;
  /** Takes no more jobs: its workers are needed for something else once those that run are over. */
  ending = false;

  constructor(number: number, placer: (ring: Ring) => Placer) {
    this.number = number;
    this.placer = placer(this);
  }

  /** What it offers to jobs that ask for nothing else; undefined while it is not ready. */
  offer(): RingOffer | undefined {
    const placement = this.ending ? undefined : this.placer.ready;
    const time = placement === undefined ? undefined : this.placer.time;
    return placement === undefined || time === undefined ? undefined : { ring: this, placement, number: this.number, totalMs: time.totalMs, jobs: this.running.size };
  }

  /** Milliseconds until it is predicted to have finished so many positions, where a spare that had loaded the range has just taken over and only links are missing; undefined otherwise. */
  mendedFinishMs(positions: number, now: number): number | undefined {
    const time = this.ending || now - this.brokeAt >= MENDED_WITHIN_MS || !this.placer.isLoaded ? undefined : this.placer.time;
    return time === undefined ? undefined : MENDED_WITHIN_MS + positions * positionMs({ totalMs: time.totalMs, jobs: this.running.size });
  }

  /** Whether jobs of these wishes may run over it, ready or not: model and workers. */
  suits({ modelId, exclude }: RingWish): boolean {
    return this.placer.modelId === modelId && !exclude.some((worker) => this.placer.isPlaced(worker));
  }

  /** Positions of caches that its jobs set aside. */
  get positions(): number {
    let sum = 0;
    for (const positions of this.running.values()) sum += positions;
    return sum;
  }
}
