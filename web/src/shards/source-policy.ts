import { BUSY_REST_MS, FIRST_REQUESTS, MAX_HOLDERS, MAX_REST_MS, MAX_STRIKES, RATE_ARRIVALS, REQUEST_FIRST_MS, REQUEST_LATE_FACTOR, REQUEST_LEAST_MS } from './shard-limits.ts';

/** A chunk of a shard, named by the shard's hash. */
export interface ChunkName {
  readonly shard: string;
  readonly chunk: number;
  readonly bytes: number;
}

/** Where chunks come from, as far as the policy knows. */
export interface PolicySource {
  readonly id: string;
  /** Requests it takes at a time. */
  readonly window: number;
  /** The last resort is never given up: it only rests. */
  readonly lasting: boolean;
  has(shard: string): boolean;
}

/** Ask this source for that chunk. */
export interface Pick {
  readonly source: string;
  readonly chunk: ChunkName;
}

interface Outstanding {
  readonly chunk: ChunkName;
  readonly sentAt: number;
  readonly lateAt: number;
}

interface Measured extends PolicySource {
  readonly outstanding: Map<string, Outstanding>;
  /** The newest arrivals, the oldest first. */
  arrivals: { readonly at: number; readonly bytes: number }[];
  /** Since when something is outstanding, or the last arrival before the oldest of `arrivals`. */
  measuredFrom: number;
  strikes: number;
  restMs: number;
  restsUntil: number;
}

/**
 * Decides which source is asked for which chunk. Pure: times come in as milliseconds of one clock. Each chunk goes to the source that is
 * expected to be done with it first, by what was measured of it; one that is not measured yet is tried with a few. A slow source is given none that the others
 * will have finished before it, and what it still has at the end is asked for elsewhere, too.
 */
export class SourcePolicy {
  readonly #sources = new Map<string, Measured>();
  /** Chunks that nobody was asked for, a list a shard, in order. */
  readonly #pending = new Map<string, ChunkName[]>();
  /** Sources that were asked, a chunk each. */
  readonly #holders = new Map<string, Set<string>>();

  add(source: PolicySource): void {
    this.#sources.set(source.id, { ...source, has: (shard) => source.has(shard), outstanding: new Map(), arrivals: [], measuredFrom: 0, strikes: 0, restMs: 0, restsUntil: 0 });
  }

  /** The source is gone: what only it was asked for waits again. */
  remove(id: string): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    this.#sources.delete(id);
    for (const { chunk } of source.outstanding.values()) this.#release(id, chunk);
  }

  want(chunks: readonly ChunkName[]): void {
    for (const chunk of chunks) this.#wait(chunk);
  }

  /** Nobody wants this shard any more, or all of it is there. */
  forget(shard: string): void {
    this.#pending.delete(shard);
    for (const source of this.#sources.values()) {
      for (const [key, { chunk }] of source.outstanding) {
        if (chunk.shard !== shard) continue;
        source.outstanding.delete(key);
        this.#holders.delete(key);
      }
    }
  }

  /** Bytes a second; undefined while nothing came. */
  rate(id: string): number | undefined {
    const source = this.#sources.get(id);
    if (source === undefined) return undefined;
    const last = source.arrivals.at(-1);
    const ms = last === undefined ? 0 : last.at - source.measuredFrom;
    return ms <= 0 ? undefined : (source.arrivals.reduce((sum, { bytes }) => sum + bytes, 0) * 1_000) / ms;
  }

  /** Whether any source could ever give this shard. */
  has(shard: string): boolean {
    return [...this.#sources.values()].some((source) => source.has(shard));
  }

  /** Requests to make now; they count as made. */
  pick(now: number): Pick[] {
    const picks: Pick[] = [];
    for (let next = this.#next(now); next !== undefined; next = this.#next(now)) {
      this.#send(next.source, next.chunk, now);
      picks.push({ source: next.source.id, chunk: next.chunk });
    }
    return picks;
  }

  /** A chunk came whole; says who else was asked for it and need not go on. */
  arrived(id: string, chunk: ChunkName, now: number): string[] {
    const source = this.#sources.get(id);
    if (source !== undefined) {
      source.outstanding.delete(keyOf(chunk));
      source.strikes = 0;
      source.restMs = 0;
      source.arrivals.push({ at: now, bytes: chunk.bytes });
      while (source.arrivals.length > RATE_ARRIVALS) source.measuredFrom = source.arrivals.shift()?.at ?? now;
    }
    const others = [...(this.#holders.get(keyOf(chunk)) ?? [])].filter((other) => other !== id);
    for (const other of others) this.#sources.get(other)?.outstanding.delete(keyOf(chunk));
    this.#holders.delete(keyOf(chunk));
    const list = this.#pending.get(chunk.shard);
    if (list !== undefined) this.#pending.set(chunk.shard, list.filter((each) => each.chunk !== chunk.chunk));
    return others;
  }

  /**
   * A source did not give a chunk, which is then asked for elsewhere. `busy`: it will later, and is left alone for a while. `failed` and `late` count:
   * true when it is given up for that.
   */
  refused(id: string, chunk: ChunkName, why: 'busy' | 'failed' | 'late', now: number): boolean {
    const source = this.#sources.get(id);
    if (source === undefined) return false;
    source.outstanding.delete(keyOf(chunk));
    this.#release(id, chunk);
    if (why !== 'busy') source.strikes++;
    source.restMs = Math.min(MAX_REST_MS, Math.max(BUSY_REST_MS, source.restsUntil > now ? source.restMs : 2 * source.restMs));
    if (why !== 'late') source.restsUntil = now + source.restMs;
    if (source.lasting || source.strikes < MAX_STRIKES) return false;
    this.remove(id);
    return true;
  }

  /** Requests that take too long: each is to be stopped, and `refused` as late. */
  late(now: number): Pick[] {
    return [...this.#sources.values()].flatMap(({ id, outstanding }) => [...outstanding.values()].flatMap(({ chunk, lateAt }) => (now >= lateAt ? [{ source: id, chunk }] : [])));
  }

  #next(now: number): { readonly source: Measured; readonly chunk: ChunkName } | undefined {
    const free = [...this.#sources.values()].filter((source) => source.restsUntil <= now && source.outstanding.size < this.#windowOf(source));
    free.sort((a, b) => this.#doneIn(a) - this.#doneIn(b));
    for (const source of free) {
      const chunk = this.#firstFor(source);
      if (chunk !== undefined && !this.#othersAreSooner(source, chunk)) return { source, chunk };
    }
    for (const source of free) {
      const chunk = this.#slowestFor(source, now);
      if (chunk !== undefined) return { source, chunk };
    }
    return undefined;
  }

  #windowOf(source: Measured): number {
    return source.arrivals.length === 0 ? Math.min(FIRST_REQUESTS, source.window) : source.window;
  }

  /** Expected milliseconds until this source would be done with one chunk more. An unknown one is taken to be as fast as the fastest, so that it is tried. */
  #doneIn(source: Measured, more = 1): number {
    const bytes = [...source.outstanding.values()].reduce((sum, { chunk }) => sum + chunk.bytes, 0);
    const each = source.outstanding.size === 0 ? 1 : bytes / source.outstanding.size;
    return ((bytes + more * each) * 1_000) / (this.rate(source.id) ?? this.#fastest);
  }

  get #fastest(): number {
    return Math.max(1, ...[...this.#sources.keys()].map((id) => this.rate(id) ?? 0));
  }

  #firstFor(source: Measured): ChunkName | undefined {
    for (const [shard, chunks] of this.#pending) if (chunks.length > 0 && source.has(shard)) return chunks[0];
    return undefined;
  }

  /** True when faster ones will have fetched all that waits, this chunk too, before this source were done with it. */
  #othersAreSooner(source: Measured, { shard, bytes }: ChunkName): boolean {
    const rate = this.rate(source.id);
    if (rate === undefined) return false;
    const faster = [...this.#sources.values()].filter((each) => each !== source && each.has(shard) && each.strikes === 0 && each.restMs === 0 && (this.rate(each.id) ?? 0) > rate);
    if (faster.length === 0) return false;
    const rates = faster.reduce((sum, each) => sum + (this.rate(each.id) ?? 0), 0);
    const asked = faster.flatMap((each) => [...each.outstanding.values()]).reduce((sum, each) => sum + each.chunk.bytes, 0);
    const waiting = [...this.#pending.values()].flat().reduce((sum, each) => sum + each.bytes, 0);
    const own = [...source.outstanding.values()].reduce((sum, each) => sum + each.chunk.bytes, 0);
    return (own + bytes) / rate > (asked + waiting) / rates;
  }

  /** At the end: a chunk that another source will not have given for twice as long as this one, which has nothing else to do, would take. */
  #slowestFor(source: Measured, now: number): ChunkName | undefined {
    const rate = this.rate(source.id);
    if (rate === undefined || source.outstanding.size > 0) return undefined;
    let slowest: { readonly chunk: ChunkName; readonly inMs: number } | undefined;
    for (const other of this.#sources.values()) {
      if (other === source) continue;
      let before = 0;
      for (const { chunk, sentAt } of other.outstanding.values()) {
        before += chunk.bytes;
        const otherRate = this.rate(other.id);
        const inMs = otherRate === undefined ? now - sentAt : (before * 1_000) / otherRate;
        const holders = this.#holders.get(keyOf(chunk))?.size ?? 0;
        if (!source.has(chunk.shard) || holders >= MAX_HOLDERS || inMs < (2 * chunk.bytes * 1_000) / rate) continue;
        if (slowest === undefined || inMs > slowest.inMs) slowest = { chunk, inMs };
      }
    }
    return slowest?.chunk;
  }

  #send(source: Measured, chunk: ChunkName, now: number): void {
    // What it did before a rest says nothing of the time after it.
    if (source.outstanding.size === 0) {
      const last = source.arrivals.at(-1)?.at;
      if (last === undefined) source.measuredFrom = now;
      else if (last < now) {
        const shift = now - last;
        source.measuredFrom += shift;
        source.arrivals = source.arrivals.map(({ at, bytes }) => ({ at: at + shift, bytes }));
      }
    }
    const measured = this.rate(source.id) !== undefined;
    const lateAt = now + (measured ? Math.max(REQUEST_LEAST_MS, REQUEST_LATE_FACTOR * this.#doneIn(source)) : REQUEST_FIRST_MS);
    source.outstanding.set(keyOf(chunk), { chunk, sentAt: now, lateAt });
    this.#holders.set(keyOf(chunk), (this.#holders.get(keyOf(chunk)) ?? new Set()).add(source.id));
    const list = this.#pending.get(chunk.shard);
    if (list?.[0] === chunk) list.shift();
  }

  #release(id: string, chunk: ChunkName): void {
    const holders = this.#holders.get(keyOf(chunk));
    holders?.delete(id);
    if (holders === undefined || holders.size > 0) return;
    this.#holders.delete(keyOf(chunk));
    this.#wait(chunk, true);
  }

  #wait(chunk: ChunkName, first = false): void {
    const list = this.#pending.get(chunk.shard) ?? [];
    this.#pending.set(chunk.shard, list);
    if (first) list.unshift(chunk);
    else list.push(chunk);
  }
}

export const keyOf = ({ shard, chunk }: Omit<ChunkName, 'bytes'>): string => `${shard}/${chunk}`;
