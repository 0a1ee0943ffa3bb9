import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { JobRoot } from '@ciro/core/identity/identity.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { Scores } from '@ciro/core/protocol/measured.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Alarm } from '../audit/alarm.ts';
import type { AuditorState } from '../audit/audit-ports.ts';
import type { EngineLoss } from '../engine/engine-loss.ts';
import type { Generated } from '../pipeline/stage-ports.ts';
import type { PieceMessage } from '../pipeline/piece-sender.ts';
import type { WeightsMoved } from '../shards/weights-tally.ts';
import type { HeldStageTimes } from './held-stage-times.ts';

export type { EngineLoss, EngineLossCode } from '../engine/engine-loss.ts';

/** Messages that the compute worker writes itself; the window passes them to the coordinator as they are. */
export type ComputeMessage = Extract<
  WorkerMessage,
  { type: 'shards' | 'prepared' | 'stage-refused' | 'token' | 'unit' | 'acknowledge' | 'disagree' | 'root' | 'fault' | 'nonces' | 'nonce' | 'supply-refused' | 'audit-refused' | 'audit-blind' | 'audit-opened' | 'weights-wanted' | 'weights-bad' }
>;

/** Messages of the coordinator that the compute worker reads itself; the window passes them on as they came. */
export type ComputeOrder = Extract<CoordinatorMessage, { type: 'reveal' | 'release' | 'forget' | 'supply' | 'audit' | 'piece' | 'audit-open' | 'audit-cancelled' | 'head' | 'credit' | 'weights-givers' }>;

/** How far the stage's runs are: the window compares two answers (SPEC G4). */
export interface RunProgress {
  /** Runs begun. */
  readonly runs: number;
  /** The last of them is not over. */
  readonly running: boolean;
  /** The longest run that is over. */
  readonly slowestMs: number;
}

/** What the compute worker asks of the window. */
export interface ComputeHost {
  send(message: ComputeMessage): void;
  /** Part of an upload. Resolves when the control connection has room for the next; false when it is gone. */
  sendPiece(message: PieceMessage): Promise<boolean>;
  /** The identity key never enters the worker: the window signs. */
  signRoot(root: JobRoot): Promise<string>;
  /** The newest ledger head that this worker has checked, to be given to the next one (`ComputeConfig.head`). */
  keepHead(head: SignedHead): void;
  /** The coordinator did what it must not; to be kept with its proof, and shown. */
  alarm(alarm: Alarm): void;
  /** What this worker does as an auditor has changed. */
  auditing(state: AuditorState): void;
  /** Weights came or were given. */
  weights(moved: WeightsMoved): void;
  /** This worker cannot compute any more: it is to be ended, and another one started. */
  engineLost(loss: EngineLoss): void;
}

/** What the worker must know before it computes: from the page, the challenge and the welcome. */
export interface ComputeConfig {
  /** Base URL of the engine's own files, ending in a slash. */
  readonly engineBase: string;
  /** Base URL of the coordinator, ending in a slash; manifests are at `models/ID/manifest`. */
  readonly coordinatorBase: string;
  readonly network: string;
  readonly nodeId: NodeId;
  readonly coordinatorPublicKey: string;
  readonly devicePublicKey: string;
  /** Non-extractable P-256 signing key; survives the structured clone into the worker. */
  readonly deviceKey: CryptoKey;
  /** Bytes that weights, KV caches and retained rows may take, as the `profile` says; DEFAULT_MEMORY_BUDGET_BYTES when absent. */
  readonly memoryBudgetBytes?: number;
  /** Jobs that one run of the engine may be for; as many as there are when absent. */
  readonly maxBatchJobs?: number;
  /** Ids that it drafts for one lap as a first stage; as many as pay when absent. */
  readonly maxDrafts?: number;
  /** What `keepHead` kept in an earlier life of this tab, under this coordinator's key. */
  readonly head?: SignedHead;
  /** What `measure` chose in a worker that this one takes the place of. */
  readonly engine?: MeasuredProfile['engine'];
}

export type EngineChoice = 'auto' | 'wasm' | 'webgpu';

/** Measured figures of this device for one model (fields of the `profile` message). */
export interface MeasuredProfile {
  readonly engine: 'wasm' | 'webgpu';
  readonly layerMs: number;
  readonly layerMs16: number;
  readonly headMs: number;
  /** Engines that were tried and gave wrong results or none: not used here, and never held against anybody. */
  readonly unfit: readonly { readonly engine: 'wasm' | 'webgpu'; readonly reason: string }[];
}

/** Layer times that were measured on the layers that are loaded. */
export type LayerTimes = HeldStageTimes;

/** The dedicated worker's surface, reached through Comlink. Frames do not pass here but through the ports of `attachLink`. */
export interface ComputeApi {
  configure(config: ComputeConfig, host: ComputeHost): Promise<void>;
  /** A connection was welcomed. Audits and unused nonces of the one before are void; gives commitments to fresh ones (SPEC A1). */
  join(): Promise<HexHash[]>;
  /** Names browser and graphics driver as they are now: what was measured under another name has to be measured again. */
  device(): Promise<string>;
  /** Runs qualification vectors and the micro-benchmark; `auto` takes the faster provider that qualifies. */
  measure(modelId: string, choice: EngineChoice): Promise<MeasuredProfile>;
  /** Scores of other shapes of networks (SPEC W4); undefined when jobs, loads or audits need the engine, or did before it was done. */
  scores(): Promise<Scores | undefined>;
  /** Times the loaded layers again (SPEC W7); undefined as for `scores`, and where none are loaded. */
  retime(): Promise<LayerTimes | undefined>;
  /**
   * Loads the shards of the layers (null: none); progress and outcome go out as `shards` messages. A new call replaces the old, and
   * loads nothing when it wants what is loaded. Audits make way for it, unless this worker only stands by.
   */
  assign(assignment: number, modelId: string, layers: readonly [number, number] | null, standby: boolean): Promise<void>;
  /** Frames to and from a neighbour, each one `Uint8Array` message (transferred). */
  attachLink(peer: NodeId, port: MessagePort): Promise<void>;
  detachLink(peer: NodeId): Promise<void>;
  /** A link for weights, each frame one `Uint8Array` message (transferred); `null` from the worker closes it. */
  attachWeights(peer: NodeId, port: MessagePort): Promise<void>;
  detachWeights(peer: NodeId): Promise<void>;
  plan(signed: SignedPlan, stage: number, promptIds: Uint8Array | null): Promise<void>;
  start(job: JobId, version: number): Promise<void>;
  finish(job: JobId, version: number, acceptedTo: number): Promise<void>;
  /** Does what the coordinator asks after a job, or about others' jobs; answers go out as messages. Resolves when it is done. */
  order(message: ComputeOrder): Promise<void>;
  /** Nobody waits for the audits that this tab was given. */
  dropAudits(): Promise<void>;
  /** Asked while jobs run: a worker that does not answer is blocked by what it runs. */
  progress(): Promise<RunProgress>;
  /** Bytes held now and at most: weights, KV caches, rows, audits. */
  memory(): Promise<{ heldBytes: number; peakBytes: number }>;
  /** What was generated here so far. */
  generated(): Promise<Generated>;
}
