import type { HexHash } from '@ciro/core/ids.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { StageIdentity } from '../pipeline/stage-ports.ts';
import type { Upload, UploadOutcome } from '../pipeline/piece-sender.ts';

/** An audit as the coordinator asks for it. */
export type AuditOrder = Extract<CoordinatorMessage, { type: 'audit' }>;
/** What an auditor says beside its pieces. */
export type AuditorMessage = Extract<WorkerMessage, { type: 'audit-refused' | 'audit-blind' | 'audit-opened' }>;

/** Some layers, loaded for audits beside the stage that this worker may hold. Every call runs when no job has work. */
export interface AuditEngine {
  readonly heldBytes: number;
  /** Begins at position 0. */
  open(maxPositions: number): void;
  close(): void;
  /** Rows [count, d] of the next `count` positions (final-norm rows when the last layer is among them). */
  run(position: number, input: Uint32Array | Float32Array, count: number): Promise<Float32Array>;
  /** Logits of a final-norm row; the last stage only. */
  logits(row: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface AuditEngineOrder {
  readonly modelId: HexHash;
  readonly manifest: ModelManifest;
  readonly shape: StageShape;
  readonly provider: 'wasm' | 'webgpu';
  readonly signal: AbortSignal;
}

/** What an auditor is doing, for people. */
export interface AuditorState {
  /** Layers of the audit that runs. */
  readonly running: { readonly stage: number; readonly layers: readonly [number, number]; readonly positions: number } | null;
  readonly waiting: number;
  /** Results opened, and audits refused, since the tab was opened. */
  readonly done: number;
  readonly refused: number;
}

/** Everything an auditor needs from outside. */
export interface AuditorPorts {
  readonly identity: Pick<StageIdentity, 'network' | 'nodeId' | 'memoryBudgetBytes'>;
  send(message: AuditorMessage): void;
  upload(upload: Upload, signal: AbortSignal): Promise<UploadOutcome>;
  /** SHA-256, by the platform. */
  digest(bytes: Uint8Array): Promise<Uint8Array>;
  /** Signature of the device key, hex. */
  sign(bytes: Uint8Array): Promise<string>;
  randomHex(bytes: number): string;
  /** A model's manifest, checked against its id. Rejects for a model that the coordinator does not serve. */
  manifest(modelId: HexHash, signal: AbortSignal): Promise<ModelManifest>;
  /** Bytes that an engine holds while it runs `positions`. */
  engineBytes(manifest: ModelManifest, shape: StageShape, positions: number): number;
  load(order: AuditEngineOrder): Promise<AuditEngine>;
  /** The provider that this device was measured with; undefined before. */
  provider(): 'wasm' | 'webgpu' | undefined;
  /** Bytes that stage and jobs of this worker hold, after kept caches made way for what is beside them. */
  jobBytes(beside: number): number;
  /** Resolves after `milliseconds`, or at once when aborted. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
  changed(state: AuditorState): void;
}
