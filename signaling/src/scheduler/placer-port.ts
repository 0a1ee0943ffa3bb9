import type { NodeId } from '@ciro/core/ids.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Models } from './models-port.ts';
import type { Introductions } from './ring-links.ts';
import type { SchedulerTimes } from './scheduler-times.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { Workers } from './workers-port.ts';

/** What the placer stands on. */
export interface PlacerDeps {
  readonly clock: Clock;
  readonly workers: Workers;
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
}
