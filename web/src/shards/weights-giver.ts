import { equalBytes, toHex } from '@ciro/core/bytes.ts';
import { chunkCount, chunkSpan } from '@ciro/core/model/shard-chunks.ts';
import { WEIGHTS_WINDOW_CHUNKS } from '@ciro/core/protocol/limits.ts';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { encodeWeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import { GIVE_BYTES_PER_SECOND, GIVE_BYTES_PER_VISIT, MAX_OPEN_SHARDS, REQUEST_BURST, REQUESTS_PER_SECOND } from './shard-limits.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { WeightsRefusal } from '@ciro/core/protocol/weights-frame.ts';

/** What giving needs of the rest of the tab. */
export interface GiverPorts {
  readonly network: string;
  readonly nodeId: NodeId;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after `ms`. */
  wait(ms: number): Promise<void>;
  /** A cached shard, unchecked; undefined when this tab has none of that hash. */
  open(shard: string): Promise<Blob | undefined>;
  digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** By the device key, hex. */
  sign(bytes: Uint8Array): Promise<string>;
  /** A job is computed here: its rows go first. */
  busy(): boolean;
  send(peer: NodeId, frame: Uint8Array<ArrayBuffer>): void;
  /** This neighbour floods: its link is to be closed. */
  cut(peer: NodeId): void;
  gave(peer: NodeId, bytes: number): void;
}

export interface GiverOptions {
  readonly bytesPerSecond?: number;
  readonly bytesPerVisit?: number;
}

interface Request {
  readonly shard: string;
  readonly chunk: number;
}

/** A shard that was read and checked whole once, with the hashes of its chunks: nothing is signed that is not the shard's. */
interface OpenShard {
  readonly blob: Blob;
  readonly hashes: readonly Uint8Array[];
}

interface Neighbour {
  readonly queue: Request[];
  allowance: number;
  at: number;
  cut: boolean;
}

/**
 * Gives chunks of cached shards to neighbours that ask (SPEC D7): one after the other, in turns between neighbours, at a bounded rate, and none at all
 * while a job is computed here. Whatever is asked, the answer is the chunk or a refusal by name.
 */
export class WeightsGiver {
  readonly #ports: GiverPorts;
  readonly #options: Required<GiverOptions>;
  readonly #neighbours = new Map<NodeId, Neighbour>();
  readonly #shards = new Map<string, Promise<OpenShard | undefined>>();
  #freeAt = 0;
  #given = 0;
  #serving = false;

  constructor(ports: GiverPorts, options: GiverOptions = {}) {
    this.#ports = ports;
    this.#options = { bytesPerSecond: GIVE_BYTES_PER_SECOND, bytesPerVisit: GIVE_BYTES_PER_VISIT, ...options };
  }

  /** A neighbour asks. */
  request(peer: NodeId, request: Request): void {
    const neighbour = this.#neighbourOf(peer);
    if (!this.#allows(neighbour)) {
      if (!neighbour.cut) this.#ports.cut(peer);
      neighbour.cut = true;
      return;
    }
    if (neighbour.queue.length >= WEIGHTS_WINDOW_CHUNKS) return this.#refuse(peer, request, 'too-many');
    neighbour.queue.push(request);
    if (!this.#serving) void this.#serve();
  }

  /** The link to this neighbour is gone. */
  forget(peer: NodeId): void {
    this.#neighbours.delete(peer);
  }

  #neighbourOf(peer: NodeId): Neighbour {
    const known = this.#neighbours.get(peer) ?? { queue: [], allowance: REQUEST_BURST, at: this.#ports.now(), cut: false };
    this.#neighbours.set(peer, known);
    return known;
  }

  #allows(neighbour: Neighbour): boolean {
    const now = this.#ports.now();
    neighbour.allowance = Math.min(REQUEST_BURST, neighbour.allowance + ((now - neighbour.at) / 1_000) * REQUESTS_PER_SECOND);
    neighbour.at = now;
    if (neighbour.allowance < 1) return false;
    neighbour.allowance--;
    return !neighbour.cut;
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) await this.#answer(...next);
    this.#serving = false;
  }

  /** The oldest request of the neighbour that was served longest ago: who is served goes to the end. */
  #next(): [NodeId, Request] | undefined {
    for (const [peer, neighbour] of this.#neighbours) {
      const request = neighbour.queue.shift();
      if (request === undefined) continue;
      this.#neighbours.delete(peer);
      this.#neighbours.set(peer, neighbour);
      return [peer, request];
    }
    return undefined;
  }

  async #answer(peer: NodeId, request: Request): Promise<void> {
    const { now, wait, busy, send, gave } = this.#ports;
    const { bytesPerSecond, bytesPerVisit } = this.#options;
    try {
      if (busy()) return this.#refuse(peer, request, 'busy');
      if (this.#given >= bytesPerVisit) return this.#refuse(peer, request, 'enough');
      if (this.#freeAt > now()) await wait(this.#freeAt - now());
      const made = await this.#chunkOf(request);
      if (!this.#neighbours.has(peer)) return;
      // A job may have begun meanwhile.
      if (busy()) return this.#refuse(peer, request, 'busy');
      if (typeof made === 'string') return this.#refuse(peer, request, made);
      this.#freeAt = Math.max(this.#freeAt, now()) + (made.bytes.length * 1_000) / bytesPerSecond;
      this.#given += made.bytes.length;
      send(peer, encodeWeightsFrame({ kind: 'chunk', shard: request.shard, chunk: request.chunk, ...made }));
      gave(peer, made.bytes.length);
    } catch {
      // A cache that cannot be read, a key that does not sign: this tab has nothing to give at this moment.
      this.#refuse(peer, request, 'busy');
    }
  }

  async #chunkOf({ shard, chunk }: Request): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly signature: string } | WeightsRefusal> {
    const open = await this.#open(shard);
    if (open === undefined) return 'unknown-shard';
    const hash = open.hashes[chunk];
    if (hash === undefined) return 'out-of-range';
    const { from, to } = chunkSpan(open.blob.size, chunk);
    const bytes = new Uint8Array(await open.blob.slice(from, to).arrayBuffer());
    const { network, nodeId: giver, digest, sign } = this.#ports;
    if (!equalBytes(await digest(bytes), hash)) {
      // The disk changed it, or the browser dropped it, since it was looked at.
      this.#shards.delete(shard);
      return 'unknown-shard';
    }
    return { bytes, signature: await sign(chunkClaimBytes({ network, giver, shard, chunk, sha256: toHex(hash) })) };
  }

  /** What is not there is looked for again the next time: it may be loaded by then. */
  #open(shard: string): Promise<OpenShard | undefined> {
    const known = this.#shards.get(shard);
    if (known !== undefined) return known;
    const opening = this.#read(shard);
    this.#shards.set(shard, opening);
    opening.then((open) => open ?? this.#shards.delete(shard), () => this.#shards.delete(shard));
    for (const oldest of this.#shards.keys()) if (this.#shards.size > MAX_OPEN_SHARDS) this.#shards.delete(oldest);
    return opening;
  }

  async #read(shard: string): Promise<OpenShard | undefined> {
    const { open, digest } = this.#ports;
    const blob = await open(shard);
    if (blob === undefined) return undefined;
    const whole = new Uint8Array(await blob.arrayBuffer());
    if (toHex(await digest(whole)) !== shard) return undefined;
    const hashes: Uint8Array[] = [];
    for (let chunk = 0; chunk < chunkCount(whole.length); chunk++) {
      const { from, to } = chunkSpan(whole.length, chunk);
      hashes.push(await digest(whole.subarray(from, to)));
    }
    return { blob, hashes };
  }

  #refuse(peer: NodeId, { shard, chunk }: Request, code: WeightsRefusal): void {
    if (this.#neighbours.has(peer)) this.#ports.send(peer, encodeWeightsFrame({ kind: 'refusal', shard, chunk, code }));
  }
}
