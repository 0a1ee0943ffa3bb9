import { createHash } from 'node:crypto';
import { toHex } from '@ciro/core/bytes.ts';
import { chunkCount, chunkSpan } from '@ciro/core/model/shard-chunks.ts';
import { WEIGHTS_CHUNK_BYTES } from '@ciro/core/protocol/limits.ts';
import { SignatureVerifier, signWithDeviceKey } from '@ciro/web/pipeline/device-signature.ts';
import { WeightsExchange } from '@ciro/web/shards/weights-exchange.ts';
import { NO_WEIGHTS_MOVED } from '@ciro/web/shards/weights-tally.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { WantedShard } from '@ciro/web/shards/chunk-source.ts';
import type { Fetch } from '@ciro/web/shards/manifest-source.ts';
import type { WeightsMoved } from '@ciro/web/shards/weights-tally.ts';
import type { GiversMessage, WeightsPort, WeightsReport } from '@ciro/web/shards/weights-exchange.ts';

export const BASE = 'https://ciro.test/';
export const MODEL = 'ab'.repeat(32) as GiversMessage['modelId'];
export const NETWORK = 'ciro-test';
export const forever = new AbortController().signal;

export const nodeOf = (digit: string): NodeId => digit.repeat(40) as NodeId;
export const digest = async (bytes: Uint8Array): Promise<Uint8Array> => new Uint8Array(createHash('sha256').update(bytes).digest());
export const bytesOf = (size: number, salt = 1): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 9) + salt) & 255);
export const shardOf = (bytes: Uint8Array, name = 'layer-0', offset = 0): WantedShard => ({ name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, ranges: [{ offset, length: bytes.length }] });

/** As large as what the code under test asks digests of, one for each thread. */
const FENCES = Array.from({ length: 4 }, () => new Uint8Array(WEIGHTS_CHUNK_BYTES));

/** Time that moves when the test's loop turns: each turn lets everything that waits for crypto and promises run. */
export class TurningClock {
  #now = 0;
  readonly #tasks = new Set<{ readonly at: number; readonly task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  async turn(ms = 5): Promise<void> {
    // Digests are made by four threads, first come, first served: what was asked for before these is done when they are.
    await Promise.all(FENCES.map((fence) => crypto.subtle.digest('SHA-256', fence)));
    await new Promise((resolve) => setImmediate(resolve));
    this.#now += ms;
    for (const entry of [...this.#tasks].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at)) if (this.#tasks.delete(entry)) entry.task();
  }

  /** Turns until it is so; throws after ten virtual minutes. */
  async until(what: string, holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#now > 600_000) throw new Error(`never ${what}`);
      await this.turn();
    }
  }

  /** Turns until the promise is settled. */
  async result<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    promise.then(() => (settled = true), () => (settled = true));
    await this.until('settled', () => settled);
    return promise;
  }
}

/** A coordinator's file server: shards by hash, in ranges, and their lists of chunks. */
export class FakeFiles {
  readonly shards = new Map<string, Uint8Array>();
  /** First byte of each range that was asked for. */
  readonly ranges: { readonly shard: string; readonly from: number }[] = [];
  /** What a test makes of a range, e.g. waits, or fails. */
  serve: (bytes: Uint8Array<ArrayBuffer>) => Promise<Response> = async (bytes) => new Response(bytes, { status: 206 });
  /** Changes the list that is told. */
  list: (list: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (list) => list;

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const [, hash = '', tail] = /shards\/([0-9a-f]{64})(\/chunks)?$/.exec(url) ?? [];
    const bytes = this.shards.get(hash);
    if (bytes === undefined) return new Response(null, { status: 404 });
    if (tail !== undefined) {
      const list = await Promise.all(Array.from({ length: chunkCount(bytes.length) }, async (_, chunk) => digest(bytes.subarray(chunkSpan(bytes.length, chunk).from, chunkSpan(bytes.length, chunk).to))));
      return new Response(this.list(Uint8Array.from(list.flatMap((each) => [...each]))));
    }
    const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(String((init.headers as Record<string, string>)['range'])) ?? [];
    this.ranges.push({ shard: hash, from: Number(from) });
    const response = await this.serve(Uint8Array.from(bytes.subarray(Number(from), Number(to) + 1)));
    init.signal?.throwIfAborted();
    return response;
  };
}

/** Chunks that survive: a map instead of Cache Storage. */
export class FakePartials {
  readonly kept = new Map<string, Uint8Array<ArrayBuffer>>();

  async *chunks(hash: string): AsyncGenerator<{ readonly chunk: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
    for (const [key, bytes] of this.kept) if (key.startsWith(`${hash}/`)) yield { chunk: Number(key.slice(65)), bytes };
  }
  async put(hash: string, chunk: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.kept.set(`${hash}/${chunk}`, bytes);
  }
  async bound(): Promise<void> {}
}

/** Two ends of a link: what one posts the other is given a turn later. `hear` sees what arrives at this end first, and may change or drop it. */
export function linked(): readonly [FakePort, FakePort] {
  const [a, b] = [new FakePort(), new FakePort()];
  [a.other, b.other] = [b, a];
  return [a, b];
}

export class FakePort implements WeightsPort {
  onmessage: WeightsPort['onmessage'] = null;
  other: FakePort | undefined;
  closed = false;
  readonly received: unknown[] = [];
  hear: (data: unknown) => unknown = (data) => data;

  postMessage(data: unknown): void {
    setImmediate(() => this.other?.take(data));
  }
  take(sent: unknown): void {
    if (this.closed) return;
    const data = this.hear(sent);
    if (data === undefined) return;
    this.received.push(data);
    this.onmessage?.call(this as unknown as MessagePort, { data } as MessageEvent);
  }
  close(): void {
    this.closed = true;
  }
}

/** What a tab needs of time. */
type TabClock = Pick<TurningClock, 'now' | 'after'>;

/** A tab's exchange with everything around it. */
export class Tab {
  readonly files = new FakeFiles();
  readonly partials = new FakePartials();
  readonly cached = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly sent: WeightsReport[] = [];
  readonly exchange: WeightsExchange;
  readonly nodeId: NodeId;
  readonly devicePublicKey: string;
  readonly clock: TabClock;
  busy = false;
  moved: WeightsMoved = NO_WEIGHTS_MOVED;
  readonly #key: CryptoKey;

  static async open(digit: string, clock: TabClock): Promise<Tab> {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    return new Tab(nodeOf(digit), clock, pair.privateKey, toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))));
  }

  constructor(nodeId: NodeId, clock: TabClock, key: CryptoKey, devicePublicKey: string) {
    this.nodeId = nodeId;
    this.clock = clock;
    this.#key = key;
    this.devicePublicKey = devicePublicKey;
    this.exchange = this.exchangeOver(this.files.fetch);
  }

  /** Another exchange of this tab, which reaches the network in this way. */
  exchangeOver(fetch: Fetch): WeightsExchange {
    const { clock } = this;
    const cached = async (shard: string): Promise<Blob | undefined> => {
      const bytes = this.cached.get(shard);
      return bytes === undefined ? undefined : new Blob([bytes]);
    };
    const exchange = new WeightsExchange({ fetch, partials: this.partials, cached, digest, now: () => clock.now(), after: (ms, task) => clock.after(ms, task) }, BASE);
    const verifier = new SignatureVerifier();
    exchange.join({
      network: NETWORK,
      nodeId: this.nodeId,
      sign: (bytes) => this.sign(bytes),
      verify: (...signed) => verifier.verify(...signed),
      send: (message) => void this.sent.push(message),
      busy: () => this.busy,
      moved: (moved) => (this.moved = moved),
    });
    return exchange;
  }

  sign(bytes: Uint8Array): Promise<string> {
    return signWithDeviceKey(this.#key, bytes);
  }

  /** Is named to `taker` as one that gives these shards, and linked to it. */
  givesTo(taker: Tab, shards: readonly string[], publicUrl: string | null = null): readonly [FakePort, FakePort] {
    const ports = linked();
    taker.exchange.givers({ type: 'weights-givers', modelId: MODEL, publicUrl, givers: [{ peer: this.nodeId, devicePublicKey: this.devicePublicKey, shards: shards as GiversMessage['modelId'][] }] });
    taker.exchange.attach(this.nodeId, ports[0]);
    this.exchange.attach(taker.nodeId, ports[1]);
    return ports;
  }
}
