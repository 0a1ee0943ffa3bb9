import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { JobRoot } from '@ciro/core/identity/identity.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';

/** Messages that the compute worker writes itself; the window passes them to the coordinator as they are. */
export type ComputeMessage = Extract<WorkerMessage, { type: 'shards' | 'prepared' | 'stage-refused' | 'token' | 'unit' | 'acknowledge' | 'disagree' | 'root' | 'fault' }>;

/** What the compute worker asks of the window. */
export interface ComputeHost {
  send(message: ComputeMessage): void;
  /** The identity key never enters the worker: the window signs. */
  signRoot(root: JobRoot): Promise<string>;
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
}

export type EngineChoice = 'auto' | 'wasm' | 'webgpu';

/** Measured figures of this device for one model (fields of the `profile` message). */
export interface MeasuredProfile {
  readonly engine: 'wasm' | 'webgpu';
  readonly layerMs: number;
  readonly layerMs16: number;
  readonly headMs: number;
}

/** The dedicated worker's surface, reached through Comlink. Frames do not pass here but through the ports of `attachLink`. */
export interface ComputeApi {
  configure(config: ComputeConfig, host: ComputeHost): Promise<void>;
  /** Runs qualification vectors and the micro-benchmark; `auto` takes the faster provider that qualifies. */
  measure(modelId: string, choice: EngineChoice): Promise<MeasuredProfile>;
  /** Loads the shards of the layers (null: none); progress and outcome go out as `shards` messages. A new call replaces the old. */
  assign(assignment: number, modelId: string, layers: readonly [number, number] | null): Promise<void>;
  /** Frames to and from a neighbour, each one `Uint8Array` message (transferred). */
  attachLink(peer: NodeId, port: MessagePort): Promise<void>;
  detachLink(peer: NodeId): Promise<void>;
  plan(signed: SignedPlan, stage: number, promptIds: Uint8Array | null): Promise<void>;
  start(job: JobId, version: number): Promise<void>;
  finish(job: JobId, version: number, acceptedTo: number): Promise<void>;
  /** Bytes held now and at most by the engine. */
  memory(): Promise<{ heldBytes: number; peakBytes: number }>;
}
