import type { EngineChoice, MeasuredProfile } from '../worker/compute-api.ts';
import type { LinkView } from '../transport/link-manager.ts';
import { NOTHING_YET, stateOf, type ContributionState } from './contribution-state.ts';
import type { WorkTotals } from './work-meter.ts';

/** What the person allows. */
export interface ContributeOptions {
  readonly engine: EngineChoice;
  readonly memoryBudgetBytes: number;
  readonly pauseOnBattery: boolean;
  readonly pauseWhenHidden: boolean;
}

/** Everything about this tab's contribution that a face may show. Plain data; a new object at each change. */
export interface ParticipantView {
  readonly state: ContributionState;
  readonly nodeId: string | undefined;
  /** `memory`: the browser keeps nothing, and the key with what it earns ends with this tab. */
  readonly keys: 'stored' | 'memory' | undefined;
  readonly model: { readonly id: string; readonly name: string } | undefined;
  readonly profile: MeasuredProfile | undefined;
  readonly links: readonly LinkView[];
  readonly totals: WorkTotals;
  readonly tokensPerSecond: number;
  /** Base units. */
  readonly credits: { readonly pending: bigint; readonly payable: bigint };
  /** Bytes of weights: over the network, and from this browser's cache. */
  readonly bytes: { readonly downloaded: number; readonly cached: number };
  readonly memory: { readonly heldBytes: number; readonly peakBytes: number };
  /** Milliseconds since the page was opened. */
  readonly timings: { readonly joinMs: number | undefined; readonly readyMs: number | undefined };
}

export const EMPTY_VIEW: ParticipantView = {
  state: stateOf(NOTHING_YET),
  nodeId: undefined,
  keys: undefined,
  model: undefined,
  profile: undefined,
  links: [],
  totals: { jobs: 0, tokens: 0, positions: 0, units: 0 },
  tokensPerSecond: 0,
  credits: { pending: 0n, payable: 0n },
  bytes: { downloaded: 0, cached: 0 },
  memory: { heldBytes: 0, peakBytes: 0 },
  timings: { joinMs: undefined, readyMs: undefined },
};

/** Whether the tab works or is about to: Stop is offered. */
export const isActive = (state: ContributionState): boolean => !['idle', 'unsupported', 'stopped'].includes(state.kind) && (state.kind !== 'error' || state.code === 'shards-failed');
