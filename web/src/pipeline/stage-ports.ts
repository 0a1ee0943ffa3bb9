import type { JobRoot } from '@ciro/core/identity/identity.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { StageError } from './stage-error.ts';

/** What a run gives: rows [count, d] (final-norm rows on the last stage) and, if asked, the last position's logits. */
export interface StageRun {
  readonly rows: Float32Array;
  readonly logits?: Float32Array;
  readonly computeMs: number;
}

/** The engine, loaded with this worker's layers. Runs are never overlapped by the pipeline. */
export interface StageEnginePort {
  readonly provider: 'wasm' | 'webgpu';
  /** Bytes held now and at most: weights and KV caches. */
  readonly heldBytes: number;
  readonly peakBytes: number;
  openJob(jobKey: string, maxPositions: number): void;
  closeJob(jobKey: string): void;
  /** `input`: ids for a stage that embeds, else rows [count, d]. */
  run(jobKey: string, position: number, input: Uint32Array | Float32Array, count: number, options: { readonly logits?: boolean }): Promise<StageRun>;
}

/** The layers this worker holds and what it needs to know of their model. */
export interface HeldStage {
  readonly engine: StageEnginePort;
  readonly modelId: HexHash;
  readonly architecture: Architecture;
  readonly shape: StageShape;
  readonly calibration: CalibrationTable;
}

/** Who this worker is; from the page, the challenge and the welcome. */
export interface StageIdentity {
  readonly network: string;
  readonly nodeId: NodeId;
  readonly devicePublicKey: string;
  readonly coordinatorPublicKey: string;
  /** Weights, KV caches and retained rows may hold this much. */
  readonly memoryBudgetBytes: number;
}

/** What a stage tells the coordinator. */
export type StageMessage = Extract<WorkerMessage, { type: 'prepared' | 'stage-refused' | 'token' | 'unit' | 'acknowledge' | 'disagree' | 'root' | 'fault' }>;

/** Everything the pipeline needs from outside. */
export interface StagePorts {
  send(message: StageMessage): void;
  /** Hands a frame to the neighbour's link, which takes the buffer. False when there is no such link. */
  sendFrame(peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean;
  hasLink(peer: NodeId): boolean;
  /** SHA-256, by the platform. */
  digest(bytes: Uint8Array): Promise<Uint8Array>;
  /** Signature of the device key over SHA-256 of the bytes; 64 bytes P1363, hex. */
  sign(bytes: Uint8Array): Promise<string>;
  /** True when the P-256 key made this signature; false on anything malformed. */
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  signRoot(root: JobRoot): Promise<string>;
  /** A fresh random salt of LEAF_SALT_BYTES, hex. */
  salt(): string;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after what already waits in the event loop had its turn: frames before signatures, control messages between runs. */
  turn(): Promise<void>;
  /** A frame was dropped. For counters and tests; the coordinator hears of it by `fault` where it concerns a job. */
  refused(peer: NodeId, error: StageError): void;
}
