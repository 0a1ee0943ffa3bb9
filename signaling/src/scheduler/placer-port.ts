import type { NodeId } from '@ciro/core/ids.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Worker } from '../sessions/worker.ts';
import type { Models, ServedModel } from './models-port.ts';
import type { Introductions } from './ring-links.ts';
import type { SchedulerTimes } from './scheduler-times.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { Workers } from './workers-port.ts';
import type { Workforce } from './workforce.ts';

export interface PlacerOptions {
  /** Stages wanted. */
  readonly stages?: number;
  /** Place for the first time exactly when this many workers are there (0: a moment after the last arrival). */
  readonly expectWorkers?: number;
}

/** What a ready placement offers to a job. */
export interface ReadyPlacement {
  readonly model: ServedModel;
  readonly stages: readonly { readonly worker: Worker; readonly layers: readonly [number, number] }[];
  /** Positions of KV cache for which every stage has room. */
  readonly positions: number;
}

/** What the placer stands on. */
export interface PlacerDeps {
  readonly clock: Clock;
  /** Those that it may place: of several placers each has its own. */
  readonly workers: Pick<Workers, 'workers' | 'worker' | 'failedJob'>;
  readonly force: Workforce;
  readonly standings: PlacementStandings;
  readonly models: Models;
  readonly introductions: Introductions;
  readonly times?: SchedulerTimes;
}

/** What the placer tells its owner. */
export interface PlacerOwner {
  /** Something changed that may let a waiting job begin, or make it fail. */
  placementChanged(): void;
  /** A stage's worker is gone or was replaced: jobs over it cannot go on. */
  stageLost(worker: NodeId, reason: string): void;
  /** Two neighbours cannot reach each other any more. */
  linkLost(a: NodeId, b: NodeId): void;
  /** True while any job uses the placement: its ranges must not change then. */
  busy(): boolean;
  /** Ranges of the placement have no worker, and no job runs: true when the owner takes the workers that are left for something else. They are placed anew otherwise. */
  givesUp?(): boolean;
}
