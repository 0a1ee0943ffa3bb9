import { stageShape } from '@ciro/core/model/architecture.ts';
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { calibrationOf } from '@ciro/core/model/parse-manifest.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { ModelManifest, Shard } from '@ciro/core/model/manifest.ts';
import type { HeldStage } from '../pipeline/stage-ports.ts';
import type { ShardProgress } from '../shards/shard-store.ts';
import type { ComputeMessage, MeasuredProfile } from './compute-api.ts';
import type { ComputePlatform, LoadedStage, ModelSource } from './compute-platform.ts';

/** Progress is told at most this often, in milliseconds: people look at it, and every message costs the control connection. */
const PROGRESS_EVERY_MS = 200;

/** Layers of one model on one provider. */
export interface WantedLayers {
  readonly modelId: HexHash;
  readonly from: number;
  readonly to: number;
  readonly provider: MeasuredProfile['engine'];
}

export type ShardReport = Omit<Extract<ComputeMessage, { type: 'shards' }>, 'type'>;

export interface StageLoaderHooks {
  /** Bytes that this device gives for weights and caches. */
  memoryBudgetBytes(): number;
  report(state: ShardReport): void;
  /** The layers that jobs may use from now on; resolves when no run uses the old ones any more. */
  hold(held: HeldStage | undefined): Promise<void>;
}

interface Held extends WantedLayers {
  readonly stage: HeldStage;
  readonly engine: LoadedStage;
  readonly totalBytes: number;
}

/** An assignment that is being carried out. */
interface Load {
  /** The newest number under which these layers were asked for; reports name it. */
  assignment: number;
  readonly wanted: WantedLayers | null;
  readonly stopping: AbortController;
}

/**
 * Keeps this worker's layers as the coordinator wants them. Assignments are carried out one after the other; a newer one
 * stops the loading of the one before, unless it wants the same. Old layers are given up before new ones are loaded: both may not fit.
 */
export class StageLoader {
  readonly #platform: Pick<ComputePlatform, 'loadStage' | 'stageBytes' | 'now'>;
  readonly #hooks: StageLoaderHooks;
  #source: ModelSource;
  #manifest: { readonly modelId: string; readonly manifest: ModelManifest } | undefined;
  #held: Held | undefined;
  #load: Load | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(source: ModelSource, platform: Pick<ComputePlatform, 'loadStage' | 'stageBytes' | 'now'>, hooks: StageLoaderHooks) {
    this.#source = source;
    this.#platform = platform;
    this.#hooks = hooks;
  }

  useSource(source: ModelSource): void {
    this.#source = source;
  }

  /** The layers that are loaded. */
  get held(): HeldStage | undefined {
    return this.#held?.stage;
  }

  /** The model's manifest; the newest one is kept. Throws ShardError or ModelError. */
  async manifest(modelId: string, signal: AbortSignal): Promise<ModelManifest> {
    if (this.#manifest?.modelId !== modelId) this.#manifest = { modelId, manifest: await this.#source.manifest(modelId, signal) };
    return this.#manifest.manifest;
  }

  /** True when exactly these layers are loaded, or being loaded. */
  has(wanted: WantedLayers): boolean {
    return this.#isLoading(wanted) || (this.#held !== undefined && sameLayers(this.#held, wanted));
  }

  /** A shard's checked bytes, the caller's own: engines take buffers over, and another engine may be loading the same shard. */
  async shard(modelId: string, shard: Shard, signal: AbortSignal): Promise<Uint8Array> {
    return (await this.#source.shard(modelId, shard, signal, () => undefined)).slice();
  }

  /** Loads these layers, or gives them up (null). Outcome and progress go out as reports; resolves when it is settled, never rejects. */
  assign(assignment: number, wanted: WantedLayers | null): Promise<void> {
    if (this.#load !== undefined && wanted !== null && this.#isLoading(wanted)) {
      this.#load.assignment = assignment;
      return this.#tail;
    }
    this.#load?.stopping.abort(new DOMException('a newer assignment came', 'AbortError'));
    const load = (this.#load = { assignment, wanted, stopping: new AbortController() });
    this.#tail = this.#tail.then(() => this.#carryOut(load));
    return this.#tail;
  }

  #isLoading(wanted: WantedLayers): boolean {
    return this.#load?.wanted != null && sameLayers(this.#load.wanted, wanted);
  }

  async #carryOut(load: Load): Promise<void> {
    const { wanted, stopping: { signal } } = load;
    const progress = new LoadProgress((state) => this.#hooks.report({ assignment: load.assignment, ...state }), () => this.#platform.now());
    try {
      if (signal.aborted) return;
      const held = this.#held;
      if (wanted !== null && held !== undefined && sameLayers(held, wanted)) return progress.held(held.totalBytes);
      await this.#giveUp();
      if (wanted !== null) await this.#loadLayers(wanted, signal, progress);
    } catch (error) {
      // A newer assignment is being carried out: this one is nobody's business any more.
      if (!signal.aborted) progress.failed(error);
    } finally {
      if (this.#load === load) this.#load = undefined;
    }
  }

  async #giveUp(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await this.#hooks.hold(undefined);
    await held?.engine.dispose();
  }

  async #loadLayers(wanted: WantedLayers, signal: AbortSignal, progress: LoadProgress): Promise<void> {
    const manifest = await this.manifest(wanted.modelId, signal);
    const { architecture } = manifest;
    if (!(wanted.from >= 0 && wanted.from < wanted.to && wanted.to <= architecture.layers)) {
      throw new RangeError(`layers ${wanted.from} to ${wanted.to} were assigned; ${manifest.name} has ${architecture.layers}`);
    }
    const shape = stageShape(wanted, architecture.layers);
    const needed = shardsOfStage(manifest, shape);
    const [bytes, budget] = [this.#platform.stageBytes(manifest, shape, 0), this.#hooks.memoryBudgetBytes()];
    if (bytes > budget) {
      // Before a byte is fetched: a tab that runs out of memory takes everything on its page with it.
      throw new EngineError('over-memory', `over-memory: layers ${wanted.from} to ${wanted.to} of ${manifest.name} take ${bytes} bytes; this device gives ${budget}. Share the model over more tabs, or allow more memory.`, { fault: 'platform', fields: { bytes, budget } });
    }
    progress.begin(needed);
    const shards = new Map(needed.map((shard) => [shard.name, this.#fetch(wanted.modelId, shard, signal, progress)]));
    const engine = await this.#platform.loadStage({
      manifest,
      shape,
      provider: wanted.provider,
      signal,
      shards: (name) => shards.get(name) ?? Promise.reject(new RangeError(`the stage asked for shard ${name}, which it does not need`)),
    });
    if (signal.aborted) return engine.dispose();
    const stage: HeldStage = { engine, modelId: wanted.modelId, architecture, shape, calibration: calibrationOf(manifest) };
    this.#held = { ...wanted, stage, engine, totalBytes: progress.totalBytes };
    await this.#hooks.hold(stage);
    if (!signal.aborted) progress.ready();
  }

  /** All shards are asked for at once: the browser shares its connections out, and none waits for the engine. */
  #fetch(modelId: string, shard: Shard, signal: AbortSignal, progress: LoadProgress): Promise<Uint8Array> {
    const bytes = this.#source.shard(modelId, shard, signal, (each) => progress.shard(shard.name, each));
    // The engine reads them in order; one that fails before its turn is not an unhandled error.
    bytes.catch(() => undefined);
    return bytes;
  }
}

const sameLayers = (held: WantedLayers, wanted: WantedLayers): boolean =>
  held.modelId === wanted.modelId && held.from === wanted.from && held.to === wanted.to && held.provider === wanted.provider;

/** Adds up the shards of one assignment and reports, not too often. */
class LoadProgress {
  readonly #report: (state: Omit<ShardReport, 'assignment'>) => void;
  readonly #now: () => number;
  readonly #shards = new Map<string, ShardProgress>();
  #reportedAt = -Infinity;
  totalBytes = 0;

  constructor(report: (state: Omit<ShardReport, 'assignment'>) => void, now: () => number) {
    this.#report = report;
    this.#now = now;
  }

  begin(shards: readonly Shard[]): void {
    this.totalBytes = shards.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#tell('loading');
  }

  shard(name: string, progress: ShardProgress): void {
    this.#shards.set(name, progress);
    if (this.#now() - this.#reportedAt >= PROGRESS_EVERY_MS) this.#tell('loading');
  }

  ready(): void {
    this.#tell('ready');
  }

  /** Nothing was to be done: all of it is loaded. */
  held(totalBytes: number): void {
    this.#report({ state: 'ready', loadedBytes: totalBytes, totalBytes, fetchedBytes: 0 });
  }

  failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#tell('failed', text.slice(0, MAX_ERROR_CHARACTERS));
  }

  #tell(state: ShardReport['state'], error?: string): void {
    this.#reportedAt = this.#now();
    const sum = (field: keyof ShardProgress): number => [...this.#shards.values()].reduce((total, each) => total + each[field], 0);
    this.#report({ state, loadedBytes: sum('loadedBytes'), totalBytes: this.totalBytes, fetchedBytes: sum('fetchedBytes'), ...(error !== undefined && { error }) });
  }
}

/** Longest error text that a `shards` message carries. */
const MAX_ERROR_CHARACTERS = 500;
