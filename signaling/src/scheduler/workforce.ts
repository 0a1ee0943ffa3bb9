import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import { Assignments } from './assignments.ts';
import { modelFootprint } from './model-footprint.ts';
import { FAILED_WORKER_MS, RESERVED_POSITIONS } from './scheduler-limits.ts';
import { shortageOf } from './shortage.ts';
import { WorkerBook } from './worker-book.ts';
import { figuresOf } from './worker-figures.ts';
import { turnedOut } from './worker-turnout.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Worker } from '../sessions/worker.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { ServedModel } from './models-port.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { Shortage } from './shortage.ts';
import type { WorkerFigures } from './worker-turnout.ts';
import type { Workers } from './workers-port.ts';

export interface WorkforceDeps {
  readonly clock: Clock;
  readonly workers: Pick<Workers, 'send'>;
  readonly standings: PlacementStandings;
}

/** What the owner hears of workers, whichever ring they are in. */
export interface WorkforceOwner {
  /** A worker has loaded what it was told to hold. */
  loaded(worker: NodeId): void;
  /** It could not, or got no further for too long. */
  loadFailed(worker: NodeId, reason: string): void;
  /** It is not placed for FAILED_WORKER_MS from here on… */
  rests?(worker: NodeId): void;
  /** …which are over. */
  rested(worker: NodeId): void;
}

/** What is known of workers and told to them, of whichever ring they are: rings share one, so that a worker may go from one to another. */
export class Workforce {
  readonly assignments: Assignments;
  readonly book: WorkerBook;
  readonly #deps: WorkforceDeps;
  readonly #owner: WorkforceOwner;
  /** Workers that failed to load or to link, each with what ends its timer. */
  readonly #resting = new Map<NodeId, () => void>();
  #links = 0;

  constructor(deps: WorkforceDeps, owner: WorkforceOwner) {
    this.#deps = deps;
    this.#owner = owner;
    this.book = new WorkerBook(deps.clock);
    this.assignments = new Assignments(deps.clock, deps.workers, {
      loaded: (worker) => owner.loaded(worker),
      failed: (worker, reason) => owner.loadFailed(worker, reason),
      fetched: (worker, bytes, ms) => this.book.fetched(worker, bytes, ms),
    });
  }

  /** A name that no link of any ring had. */
  readonly newLink = (): string => `link-${++this.#links}`;

  /** Neither demoted for good nor resting. */
  mayBePlaced(worker: NodeId): boolean {
    return !this.#resting.has(worker) && !this.#deps.standings.isDemoted(worker);
  }

  /** A worker failed: nobody places it for a while. */
  rest(worker: NodeId): void {
    this.#resting.get(worker)?.();
    const wake = this.#deps.clock.after(FAILED_WORKER_MS, () => {
      this.#resting.delete(worker);
      this.#owner.rested(worker);
    });
    this.#resting.set(worker, wake);
    this.#owner.rests?.(worker);
  }

  /** A worker is gone. Who rests goes on resting: it may come back at once. */
  forget(worker: NodeId): void {
    this.assignments.forget(worker);
    this.book.forget(worker);
  }

  /** What placement knows of these workers, for a model. */
  figuresOf(workers: readonly Worker[], modelId: HexHash): PlacementWorker[] {
    return figuresOf(workers, modelId, { standings: this.#deps.standings, book: this.book, assignments: this.assignments });
  }

  /** What each of these workers turned out to be, for operators. */
  turnedOut(workers: readonly Worker[]): WorkerFigures[] {
    return workers.map((worker) => turnedOut(worker, this.assignments.of(worker.nodeId), this.book));
  }

  /** What these workers lack to hold a model; undefined when they can (SPEC P4). */
  shortage(workers: readonly Worker[], model: ServedModel): Shortage | undefined {
    const budgets = workers.map(({ nodeId, profile }) => this.book.memory(nodeId, profile.memoryBudgetBytes));
    return shortageOf(modelFootprint(model.manifest), reservedFor(model), budgets);
  }

  /** Cancels every timer. */
  close(): void {
    for (const cancel of this.#resting.values()) cancel();
    this.assignments.close();
  }
}

/** Positions of caches that every stage of a model must have room for. */
export const reservedFor = ({ manifest }: ServedModel): number => Math.min(RESERVED_POSITIONS, manifest.architecture.context);
