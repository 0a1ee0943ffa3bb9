import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest, Shard } from '@ciro/core/model/manifest.ts';
import type { AuditEngine } from '../audit/audit-ports.ts';
import type { LinksAnswer } from '../audit/head-watch.ts';
import type { StageEnginePort } from '../pipeline/stage-ports.ts';
import type { WeightsExchange } from '../shards/weights-exchange.ts';
import type { ShardProgress } from '../shards/shard-store.ts';
import type { ScorePorts } from '../engine/score-benchmark.ts';
import type { Scores } from '@ciro/core/protocol/measured.ts';
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

/** The same for an audit: loaded and run piece by piece, each in a turn that `turn` gives. */
export interface AuditStageOrder extends StageOrder {
  readonly turn: <Result>(task: () => Promise<Result>) => Promise<Result>;
}

/** Where manifests and shards come from; both are checked against their hashes. */
export interface ModelSource {
  manifest(modelId: string, signal: AbortSignal): Promise<ModelManifest>;
  shard(modelId: string, shard: Shard, signal: AbortSignal, onProgress: (progress: ShardProgress) => void): Promise<Uint8Array>;
  /** Where shards are taken from other tabs and given to them; absent where they all come from the coordinator. */
  readonly exchange?: Pick<WeightsExchange, 'join' | 'givers' | 'attach' | 'detach'>;
}

/** What the compute service needs of engine and browser; the worker's entry wires the real ones. */
export interface ComputePlatform {
  /** `base`: where the engine's own files are. `deviceLost` is told when its sessions lose the graphics device. */
  configureEngine(base: string, deviceLost: (message: string) => void): void;
  measure(choice: EngineChoice, architecture: Architecture, signal: AbortSignal): Promise<MeasuredProfile>;
  /** Scores on graphs of other shapes; undefined when `mayGoOn` said no. */
  scores(engine: MeasuredProfile['engine'], ports: Pick<ScorePorts, 'mayGoOn' | 'turn'>): Promise<Scores | undefined>;
  loadStage(order: StageOrder): Promise<LoadedStage>;
  loadAuditStage(order: AuditStageOrder): Promise<AuditEngine>;
  /** Bytes that such an engine holds while it runs `positions`. */
  stageBytes(manifest: ModelManifest, shape: StageShape, positions: number): number;
  /** Names browser and graphics driver as they are now. */
  device(): Promise<string>;
  /** Links of the coordinator's ledger; `base` as below. */
  links(base: string, from: number, to: number): Promise<LinksAnswer>;
  /** `base`: the coordinator's URL, ending in a slash. */
  modelSource(base: string): ModelSource;
  /** `bytes` random bytes in hex. */
  randomHex(bytes: number): string;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after what already waits in the event loop. */
  turn(): Promise<void>;
  /** Resolves after `milliseconds`, or at once when aborted. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}
