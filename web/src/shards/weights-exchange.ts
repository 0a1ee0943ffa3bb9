import { chunkCount } from '@ciro/core/model/shard-chunks.ts';
import { MAX_WANTED_SHARDS, MAX_WEIGHTS_GIVERS } from '@ciro/core/protocol/limits.ts';
import { ProtocolError } from '@ciro/core/protocol/parse.ts';
import { decodeWeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import { ChunkDownloader } from './chunk-downloader.ts';
import { coordinatorSource, fetchChunkHashes, publicSource } from './http-source.ts';
import { NeighbourSource } from './neighbour-source.ts';
import { ASK_AGAIN_MS, DONE_AFTER_MS, GATHER_MS } from './shard-limits.ts';
import { WeightsGiver } from './weights-giver.ts';
import { NO_WEIGHTS_MOVED, WeightsTally } from './weights-tally.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { WeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import type { BadChunk } from './chunk-downloader.ts';
import type { WantedShard } from './chunk-source.ts';
import type { Fetch } from './manifest-source.ts';
import type { PartialCache } from './partial-cache.ts';
import type { ShardProgress } from './shard-store.ts';
import type { WeightsMoved } from './weights-tally.ts';

export type GiversMessage = Extract<CoordinatorMessage, { type: 'weights-givers' }>;
export type WeightsReport = Extract<WorkerMessage, { type: 'weights-wanted' | 'weights-bad' }>;

/** The tab as the network knows it; without one, everything comes from the coordinator and nothing is given. */
export interface ExchangeHost {
  readonly network: string;
  readonly nodeId: NodeId;
  sign(bytes: Uint8Array): Promise<string>;
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  send(message: WeightsReport): void;
  /** A job is computed here. */
  busy(): boolean;
  /** What came from where, and what was given. */
  moved(moved: WeightsMoved): void;
}

export interface ExchangePorts {
  readonly fetch: Fetch;
  readonly partials: Pick<PartialCache, 'chunks' | 'put' | 'bound'>;
  /** A cached shard, unchecked. */
  cached(shard: string): Promise<Blob | undefined>;
  digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  after(ms: number, task: () => void): () => void;
}

/** How a neighbour is reached: frames in and out, `null` to close it. */
export type WeightsPort = Pick<MessagePort, 'postMessage' | 'close' | 'onmessage'>;

/**
 * Shards from whoever measures fastest: asks the coordinator for neighbours that hold what is being fetched, takes chunks from them, from the
 * public file and from the coordinator, and gives chunks to neighbours that ask.
 */
export class WeightsExchange {
  readonly #ports: ExchangePorts;
  readonly #downloader: ChunkDownloader;
  readonly #tally: WeightsTally;
  readonly #links = new Map<NodeId, WeightsPort>();
  readonly #sources = new Map<NodeId, NeighbourSource>();
  readonly #givers = new Map<NodeId, GiversMessage['givers'][number]>();
  /** Neighbours that gave wrong bytes; the public file, as `public`. */
  readonly #barred = new Set<string>();
  readonly #wanted = new Map<string, string>();
  #host: ExchangeHost | undefined;
  #giver: WeightsGiver | undefined;
  #cancelAsk: (() => void) | undefined;
  #cancelDone: (() => void) | undefined;
  #asked: HexHash | undefined;

  /** `base`: the coordinator's URL, ending in a slash. */
  constructor(ports: ExchangePorts, base: string) {
    this.#ports = ports;
    this.#tally = new WeightsTally((moved) => this.#host?.moved(moved), ports);
    this.#downloader = new ChunkDownloader(
      {
        ...ports,
        hashes: (modelId, shard, signal) => fetchChunkHashes(ports.fetch, base, modelId, shard, chunkCount(shard.bytes), signal),
        took: (source, kind, bytes) => this.#tally.took(source, kind, bytes),
        bad: (chunk) => this.#bad(chunk),
        dropped: (source) => this.#drop(source),
      },
      coordinatorSource(ports.fetch, base),
    );
  }

  /** From now on this tab asks, and gives. */
  join(host: ExchangeHost): void {
    const { now, after, digest, cached } = this.#ports;
    this.#host = host;
    this.#giver = new WeightsGiver({
      network: host.network,
      nodeId: host.nodeId,
      now,
      wait: (ms) => new Promise((resolve) => void after(ms, resolve)),
      open: cached,
      digest,
      sign: (bytes) => host.sign(bytes),
      busy: () => host.busy(),
      send: (peer, frame) => this.#links.get(peer)?.postMessage(frame, [frame.buffer]),
      cut: (peer) => this.#cut(peer),
      gave: (peer, bytes) => this.#tally.gave(peer, bytes),
    });
    host.moved(NO_WEIGHTS_MOVED);
  }

  /** A shard's chunks from all sources; what they are together is the caller's to check. Throws as ChunkDownloader. */
  async shard(modelId: string, shard: WantedShard, signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>> {
    this.#wanted.set(shard.sha256, modelId);
    this.#cancelDone?.();
    this.#cancelDone = undefined;
    this.#askIn(GATHER_MS);
    try {
      return await this.#downloader.download(modelId, shard, signal, progress);
    } finally {
      this.#wanted.delete(shard.sha256);
      if (this.#wanted.size === 0) this.#cancelDone ??= this.#ports.after(DONE_AFTER_MS, () => this.#done());
    }
  }

  /** The coordinator names who gives. */
  givers({ modelId, publicUrl, givers }: GiversMessage): void {
    for (const giver of givers) {
      this.#givers.set(giver.peer, giver);
      this.#use(giver.peer);
    }
    if (publicUrl === null || this.#barred.has('public') || this.#wanted.size === 0) return;
    this.#downloader.add(publicSource(this.#ports.fetch, publicUrl, (shard) => this.#wanted.get(shard) === modelId));
  }

  /** A link for weights is open. */
  attach(peer: NodeId, port: WeightsPort): void {
    this.detach(peer);
    this.#links.set(peer, port);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) this.#heard(peer, data);
    };
    this.#use(peer);
  }

  /** It is not any more. */
  detach(peer: NodeId): void {
    this.#downloader.remove(peer);
    this.#sources.get(peer)?.close();
    this.#sources.delete(peer);
    this.#giver?.forget(peer);
    this.#links.get(peer)?.close();
    this.#links.delete(peer);
  }

  #use(peer: NodeId): void {
    const [giver, host, port] = [this.#givers.get(peer), this.#host, this.#links.get(peer)];
    if (giver === undefined || host === undefined || port === undefined || this.#barred.has(peer)) return;
    this.#sources.get(peer)?.close();
    const source = new NeighbourSource(peer, giver, {
      network: host.network,
      send: (frame) => port.postMessage(frame, [frame.buffer]),
      digest: (bytes) => this.#ports.digest(bytes),
      verify: (...signed) => host.verify(...signed),
    });
    this.#sources.set(peer, source);
    this.#downloader.add(source);
  }

  #heard(peer: NodeId, bytes: Uint8Array): void {
    let frame: WeightsFrame;
    try {
      frame = decodeWeightsFrame(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#cut(peer);
    }
    if (frame.kind === 'request') this.#giver?.request(peer, frame);
    else this.#sources.get(peer)?.handle(frame);
  }

  #askIn(ms: number): void {
    if (this.#host === undefined || this.#cancelAsk !== undefined) return;
    this.#cancelAsk = this.#ports.after(ms, () => {
      this.#cancelAsk = undefined;
      this.#ask();
    });
  }

  #ask(): void {
    const modelId = [...this.#wanted.values()][0];
    if (modelId === undefined) return;
    const shards = [...this.#wanted].flatMap(([shard, model]) => (model === modelId ? [shard as HexHash] : []));
    this.#asked = modelId as HexHash;
    if (this.#sources.size < MAX_WEIGHTS_GIVERS) this.#host?.send({ type: 'weights-wanted', modelId: this.#asked, shards: shards.slice(0, MAX_WANTED_SHARDS) });
    this.#askIn(ASK_AGAIN_MS);
  }

  /** Everything is there: nobody's line and links are needed any more. */
  #done(): void {
    this.#cancelDone = undefined;
    this.#cancelAsk?.();
    this.#cancelAsk = undefined;
    this.#downloader.remove('public');
    if (this.#asked !== undefined) this.#host?.send({ type: 'weights-wanted', modelId: this.#asked, shards: [] });
    this.#asked = undefined;
    this.#givers.clear();
  }

  #bad({ source, modelId, shard, chunk, sha256, signature }: BadChunk): void {
    this.#barred.add(source);
    const giver = source as NodeId;
    if (this.#givers.has(giver)) this.#host?.send({ type: 'weights-bad', giver, modelId: modelId as HexHash, shard: shard as HexHash, chunk, sha256: sha256 as HexHash, signature });
  }

  /** A source that was given up: it is not asked again, and a neighbour's link is closed unless it takes from us. */
  #drop(source: string): void {
    this.#barred.add(source);
    this.#sources.get(source as NodeId)?.close();
    this.#sources.delete(source as NodeId);
  }

  #cut(peer: NodeId): void {
    this.#links.get(peer)?.postMessage(null);
    this.detach(peer);
  }
}
