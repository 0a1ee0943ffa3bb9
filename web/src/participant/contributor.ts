import type { ContributeOptions, ParticipantView } from './participant-view.ts';
import type { FinishedWork } from './work-store.ts';

/** This tab's contribution, as faces use it. */
export interface Contributor {
  /** Calls the listener at each change, at most a few times a second for counters; returns the way out. */
  subscribe(listener: (view: ParticipantView) => void): () => void;
  /** Joins and works until `stop`. Resolves when the way to the coordinator is being opened or has failed; failures are a state. */
  contribute(options: ContributeOptions): Promise<void>;
  /** Leaves the network and gives the memory back, at once. */
  stop(): void;
  /** Finished jobs of this browser, newest first; empty where it keeps nothing. */
  recentWork(count: number): Promise<FinishedWork[]>;
}
