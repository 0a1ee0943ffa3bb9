import type { Alarm } from '../audit/alarm.ts';
import type { AuditorState } from '../audit/audit-ports.ts';
import type { EngineChoice, MeasuredProfile } from '../worker/compute-api.ts';
import type { Generated } from '../pipeline/stage-ports.ts';
import type { LinkView } from '../transport/link-manager.ts';
import { NOTHING_YET, stateOf, type ContributionState } from './contribution-state.ts';
import { NO_WEIGHTS_MOVED, type WeightsMoved } from '../shards/weights-tally.ts';
import { MIN_PASSPHRASE as LEAST_CHARACTERS } from '../wallet/passphrase.ts';
import type { FreshFigures } from './fresh-profile.ts';
import type { Earnings } from '../wallet/claim-ports.ts';
import type { IdentityView } from './identity-desk.ts';
import type { WorkTotals } from './work-meter.ts';

/** What the person allows. */
export interface ContributeOptions {
  readonly engine: EngineChoice;
  readonly memoryBudgetBytes: number;
  readonly pauseOnBattery: boolean;
  readonly pauseWhenHidden: boolean;
  /** No neighbour learns this device's network address: links go over TURN or through the coordinator. */
  readonly relayOnly: boolean;
  /** Jobs that one run of the engine may be for; for measurements. As many as there are when absent. */
  readonly maxBatchJobs?: number;
  /** Ids drafted for one lap; for measurements. As many as pay when absent. */
  readonly maxDrafts?: number;
  /** Keep the screen on while the page is in sight, so that the device does not go to sleep. */
  readonly keepAwake: boolean;
}

/** Everything about this tab's contribution that a face may show. Plain data; a new object at each change. */
export interface ParticipantView {
  readonly state: ContributionState;
  readonly nodeId: string | undefined;
  /** This browser's identity; undefined before there is one, or before it was looked for. */
  readonly identity: IdentityView | undefined;
  /** What it has on a chain. */
  readonly earnings: Earnings | undefined;
  /** `memory`: the browser keeps nothing, and the key with what it earns ends with this tab. */
  readonly keys: 'stored' | 'memory' | undefined;
  readonly model: { readonly id: string; readonly name: string } | undefined;
  readonly profile: MeasuredProfile | undefined;
  /** Line and scores, as far as they were measured (SPEC W3, W4). */
  readonly fresh: FreshFigures;
  readonly links: readonly LinkView[];
  readonly totals: WorkTotals;
  readonly tokensPerSecond: number;
  /** Base units. `withheld`: earned, and kept back until this worker has a record (SPEC M7). */
  /** Base units. `promotional`: the part of `payable` that is paid out bit by bit, as it is promoted (SPEC M11); absent: none. */
  readonly credits: { readonly pending: bigint; readonly payable: bigint; readonly promotional?: bigint; readonly withheld: bigint };
  /** What this tab does and did as an auditor of others. */
  readonly audits: AuditorState;
  /** How the coordinator says this worker stands; undefined until it does. */
  readonly standing: Standing | undefined;
  /** What the coordinator was seen to do that it must not, newest first; of earlier visits too, where the browser keeps them. */
  readonly alarms: readonly Alarm[];
  /** Bytes of weights: over the network, and from this browser's cache. */
  readonly bytes: { readonly downloaded: number; readonly cached: number };
  /** Of those over the network: from whom; and what neighbours were given. */
  readonly weights: WeightsMoved;
  readonly memory: { readonly heldBytes: number; readonly peakBytes: number };
  /** What this tab generated. */
  readonly generated: Generated;
  /** Milliseconds since the page was opened. */
  readonly timings: { readonly joinMs: number | undefined; readonly readyMs: number | undefined };
}

/** This worker's record. A demoted worker is given no work any more. */
export interface Standing {
  /** Stage-jobs that were passed by the draw or passed their audit. */
  readonly passed: number;
  readonly successfulAudits: number;
  readonly failedAudits: number;
  /** Share of its stage-jobs that is audited. */
  readonly auditRate: number;
  readonly state: 'active' | 'demoted';
}

/** Characters of a backup's passphrase, at least. */
export const MIN_PASSPHRASE = LEAST_CHARACTERS;

/** Alarms that the view lists. */
export const MAX_SHOWN_ALARMS = 16;

export const EMPTY_VIEW: ParticipantView = {
  state: stateOf(NOTHING_YET),
  nodeId: undefined,
  identity: undefined,
  earnings: undefined,
  keys: undefined,
  model: undefined,
  profile: undefined,
  fresh: { line: { downBytesPerMs: null, upBytesPerMs: null }, scores: undefined },
  links: [],
  totals: { jobs: 0, tokens: 0, positions: 0, units: 0 },
  tokensPerSecond: 0,
  credits: { pending: 0n, payable: 0n, withheld: 0n },
  audits: { running: null, waiting: 0, done: 0, refused: 0 },
  standing: undefined,
  alarms: [],
  bytes: { downloaded: 0, cached: 0 },
  weights: NO_WEIGHTS_MOVED,
  memory: { heldBytes: 0, peakBytes: 0 },
  generated: { positions: 0, batched: 0, drafted: 0, accepted: 0 },
  timings: { joinMs: undefined, readyMs: undefined },
};

/** Whether the tab works or is about to: Stop is offered. */
export const isActive = (state: ContributionState): boolean => !['idle', 'unsupported', 'stopped'].includes(state.kind) && (state.kind !== 'error' || state.code === 'shards-failed');
