import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest, Shard } from '@ciro/core/model/manifest.ts';
import type { StageEnginePort } from '../pipeline/stage-ports.ts';
import type { ShardProgress } from '../shards/shard-store.ts';
import type { EngineChoice, MeasuredProfile } from './compute-api.ts';

/** A loaded stage that can be given up again. */
export interface LoadedStage extends StageEnginePort {
  dispose(): Promise<void>;
}

/** What to load: shards come by name, already checked. */
export interface StageOrder {
  readonly manifest: ModelManifest;
  readonly shape: StageShape;
  readonly provider: MeasuredProfile['engine'];
  readonly signal: AbortSignal;
  readonly shards: (name: string) => Promise<Uint8Array>;
}

/** Where manifests and shards come from; both are checked against their hashes. */
export interface ModelSource {
  manifest(modelId: string, signal: AbortSignal): Promise<ModelManifest>;
  shard(modelId: string, shard: Shard, signal: AbortSignal, onProgress: (progress: ShardProgress) => void): Promise<Uint8Array>;
}

/** What the compute service needs of engine and browser; the worker's entry wires the real ones. */
export interface ComputePlatform {
  /** `base`: where the engine's own files are. */
  configureEngine(base: string): void;
  measure(choice: EngineChoice, architecture: Architecture, signal: AbortSignal): Promise<MeasuredProfile>;
  loadStage(order: StageOrder): Promise<LoadedStage>;
  /** `base`: the coordinator's URL, ending in a slash. */
  modelSource(base: string): ModelSource;
  /** `bytes` random bytes in hex. */
  randomHex(bytes: number): string;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after what already waits in the event loop. */
  turn(): Promise<void>;
}
