/** Entry of the dedicated worker: wires the real engine, caches and clocks to the service and exposes it to the window. */
import * as Comlink from 'comlink';
import { toHex } from '@ciro/core/bytes.ts';
import { chooseProvider, refusalOf } from '../engine/choose-provider.ts';
import { deviceName } from '../engine/device-name.ts';
import { configureEngine, createSession } from '../engine/ort.ts';
import { measureScores } from '../engine/score-benchmark.ts';
import { PiecewiseEngine } from '../engine/piecewise-engine.ts';
import { StageEngine } from '../engine/stage-engine.ts';
import { fetchManifest } from '../shards/manifest-source.ts';
import { PartialCache } from '../shards/partial-cache.ts';
import { DexieShardIndex } from '../shards/shard-index.ts';
import { ShardStore } from '../shards/shard-store.ts';
import { WeightsExchange } from '../shards/weights-exchange.ts';
import { sha256Digest } from '../pipeline/sha256-digest.ts';
import { ComputeService } from './compute-service.ts';
import { eventLoopTurns } from './event-loop-turns.ts';
import { fetchLinks } from './ledger-links.ts';

const platformFetch = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);

const after = (ms: number, task: () => void): (() => void) => {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
};

const service = new ComputeService({
  configureEngine: (base, onDeviceLost) => configureEngine({ base, onDeviceLost }),
  measure: async (choice, architecture, signal) => {
    const { profile, qualifications } = await chooseProvider(choice, architecture, signal);
    const { provider: engine, layerMs, layerMs16, headMs } = profile;
    const unfit = qualifications.filter(({ eligible }) => !eligible).map((each) => ({ engine: each.provider, reason: refusalOf(each) }));
    return { engine, layerMs, layerMs16, headMs, unfit };
  },
  scores: (engine, ports) => measureScores(engine, { ...ports, createSession, now: () => performance.now() }),
  loadStage: (order) => StageEngine.load(order),
  loadAuditStage: (order) => PiecewiseEngine.load(order),
  stageBytes: (manifest, shape, positions) => PiecewiseEngine.bytesFor(manifest, shape, positions),
  device: () => deviceName(navigator),
  links: (base, from, to) => fetchLinks(platformFetch, base, from, to),
  modelSource: (base) => {
    // An insecure origin has no Cache Storage, whatever its type says.
    const storage = (globalThis as { caches?: CacheStorage }).caches;
    const partials = new PartialCache(storage, base);
    const exchange: WeightsExchange = new WeightsExchange({ fetch: platformFetch, partials, cached: (shard) => store.open(shard), digest: sha256Digest, now: () => performance.now(), after }, base);
    const chunks = { download: exchange.shard.bind(exchange), forget: (shard: string) => partials.forget(shard) };
    const store = new ShardStore({ fetch: platformFetch, caches: storage, index: new DexieShardIndex(), chunks, now: () => Date.now() }, { base });
    return {
      exchange,
      manifest: (modelId, signal) => fetchManifest(platformFetch, base, modelId, signal),
      shard: (modelId, shard, signal, onProgress) => store.get({ modelId, shard, signal, onProgress }),
    };
  },
  randomHex: (bytes) => toHex(crypto.getRandomValues(new Uint8Array(bytes))),
  now: () => performance.now(),
  turn: eventLoopTurns(),
  wait: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    }),
});

Comlink.expose(service);
