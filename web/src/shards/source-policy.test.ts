import { describe, expect, it } from 'vitest';
import { FIRST_REQUESTS, MAX_STRIKES, REQUEST_FIRST_MS } from './shard-limits.ts';
import { SourcePolicy } from './source-policy.ts';
import type { ChunkName, Pick } from './source-policy.ts';

const BYTES = 131_072;
const chunks = (count: number, shard = 'one'): ChunkName[] => Array.from({ length: count }, (_, chunk) => ({ shard, chunk, bytes: BYTES }));

interface Line {
  readonly id: string;
  /** Bytes a second, shared by what is under way. */
  speed: number;
  readonly window?: number;
  readonly lasting?: boolean;
  readonly shards?: readonly string[];
}

/** Sources with lines of given speeds over a virtual clock: the oldest request of each is served first, in full. */
class Lines {
  readonly policy = new SourcePolicy();
  readonly lines: Line[];
  readonly got = new Map<string, number>();
  readonly asked: Pick[] = [];
  now = 0;
  done = 0;
  readonly #queues = new Map<string, { readonly chunk: ChunkName; left: number }[]>();

  constructor(lines: Line[]) {
    this.lines = lines;
    for (const { id, window = 4, lasting = false, shards } of lines) this.policy.add({ id, window, lasting, has: (shard) => shards?.includes(shard) ?? true });
  }

  /** Moves on in steps of 10 ms until so many chunks have come, or a minute is over. */
  run(count: number): void {
    for (const end = this.now + 60_000; this.done < count && this.now < end; this.now += 10) {
      for (const pick of this.policy.pick(this.now)) {
        this.asked.push(pick);
        this.#queues.set(pick.source, [...(this.#queues.get(pick.source) ?? []), { chunk: pick.chunk, left: pick.chunk.bytes }]);
      }
      for (const { id, speed } of this.lines) this.#serve(id, speed / 100);
      for (const late of this.policy.late(this.now)) {
        this.#drop(late.source, late.chunk);
        this.policy.refused(late.source, late.chunk, 'late', this.now);
      }
    }
  }

  #serve(id: string, bytes: number): void {
    const queue = this.#queues.get(id) ?? [];
    for (let budget = bytes; budget > 0 && queue[0] !== undefined; ) {
      const taken = Math.min(budget, queue[0].left);
      queue[0].left -= taken;
      budget -= taken;
      if (queue[0].left > 0) continue;
      const { chunk } = queue.shift() ?? { chunk: undefined };
      if (chunk === undefined) return;
      for (const other of this.policy.arrived(id, chunk, this.now)) this.#drop(other, chunk);
      this.got.set(id, (this.got.get(id) ?? 0) + 1);
      this.done++;
    }
  }

  #drop(id: string, chunk: ChunkName): void {
    this.#queues.set(id, (this.#queues.get(id) ?? []).filter((each) => each.chunk !== chunk));
  }
}

const MB = 1_000_000;

describe('SourcePolicy', () => {
  it('all lines are full: chunks fall to sources as their speeds are, and the whole takes what the lines together take', () => {
    const lines = new Lines([{ id: 'slow', speed: MB, lasting: true }, { id: 'quick', speed: 3 * MB }, { id: 'quicker', speed: 6 * MB }]);
    lines.policy.want(chunks(300));
    lines.run(300);
    const [slow = 0, quick = 0, quicker = 0] = ['slow', 'quick', 'quicker'].map((id) => lines.got.get(id));
    expect(lines.done).toBe(300);
    expect(quick / slow).toBeCloseTo(3, 0);
    expect(quicker / quick).toBeCloseTo(2, 0);
    const ideal = (300 * BYTES * 1_000) / (10 * MB);
    expect(lines.now).toBeGreaterThanOrEqual(ideal);
    expect(lines.now).toBeLessThan(1.15 * ideal);
  });

  it('the end is not left to the slowest: it is given nothing that the others finish sooner, and what it has is asked for elsewhere', () => {
    const lines = new Lines([{ id: 'slow', speed: MB / 20, lasting: true }, { id: 'quick', speed: 5 * MB }]);
    lines.policy.want(chunks(60));
    lines.run(60);
    expect(lines.done).toBe(60);
    // Its first chunk alone would take 2.6 s.
    expect(lines.now).toBeLessThan(1.3 * ((60 * BYTES * 1_000) / (5 * MB)));
  });

  it('a source that is not known yet is tried with a few chunks only, and a fast one soon has most', () => {
    const lines = new Lines([{ id: 'known', speed: MB, lasting: true }]);
    lines.policy.want(chunks(100));
    lines.run(10);
    lines.lines.push({ id: 'new', speed: 8 * MB });
    lines.policy.add({ id: 'new', window: 4, lasting: false, has: () => true });
    const first = lines.policy.pick(lines.now).filter(({ source }) => source === 'new');
    expect(first).toHaveLength(FIRST_REQUESTS);
    for (const { chunk } of first) lines.policy.arrived('new', chunk, lines.now + 30);
    lines.now += 30;
    lines.done += first.length;
    lines.run(100);
    expect(lines.got.get('new')).toBeGreaterThan(60);
  });

  it('a source is asked only for what it has', () => {
    const lines = new Lines([{ id: 'all', speed: MB, lasting: true }, { id: 'some', speed: 50 * MB, shards: ['two'] }]);
    lines.policy.want([...chunks(20, 'one'), ...chunks(20, 'two')]);
    lines.run(40);
    expect(lines.done).toBe(40);
    expect(lines.asked.filter(({ source, chunk }) => source === 'some' && chunk.shard === 'one')).toEqual([]);
    expect(lines.got.get('some')).toBeGreaterThan(10);
  });

  it('one that stops giving is late, its chunks come from others, and it is given up', () => {
    const lines = new Lines([{ id: 'slow', speed: MB, lasting: true }, { id: 'stalls', speed: 5 * MB }]);
    lines.policy.want(chunks(200));
    lines.run(50);
    const stalls = lines.lines[1];
    if (stalls !== undefined) stalls.speed = 0;
    lines.run(200);
    expect(lines.done).toBe(200);
    expect(lines.policy.rate('stalls')).toBeUndefined();
  });

  it('a first request may take longer than a measured one, and no longer than that', () => {
    const policy = new SourcePolicy();
    policy.add({ id: 'a', window: 4, lasting: false, has: () => true });
    policy.want(chunks(4));
    expect(policy.pick(0)).toHaveLength(FIRST_REQUESTS);
    expect(policy.late(REQUEST_FIRST_MS - 1)).toEqual([]);
    expect(policy.late(REQUEST_FIRST_MS)).toHaveLength(FIRST_REQUESTS);
  });

  it('a busy one rests, longer each time, and is never given up for that; one that fails is, but for the last resort', () => {
    const policy = new SourcePolicy();
    policy.add({ id: 'a', window: 1, lasting: false, has: () => true });
    policy.want(chunks(1));
    const rests: number[] = [];
    let now = 0;
    for (let round = 0; round < 8; round++) {
      const [pick] = policy.pick(now);
      if (pick === undefined) throw new Error('not asked');
      expect(policy.refused('a', pick.chunk, 'busy', now)).toBe(false);
      const from = now;
      while (policy.pick(now).length === 0) now += 100;
      rests.push(now - from);
      policy.refused('a', pick.chunk, 'busy', now);
      now += 8_000;
    }
    expect(rests[0]).toBeLessThan(rests[1] ?? 0);
    expect(Math.max(...rests)).toBeLessThanOrEqual(8_000);

    const failing = (lasting: boolean): number => {
      const other = new SourcePolicy();
      other.add({ id: 'b', window: 1, lasting, has: () => true });
      other.want(chunks(1));
      for (let count = 1, at = 0; count < 20; count++, at += 20_000) {
        const [pick] = other.pick(at);
        if (pick === undefined || other.refused('b', pick.chunk, 'failed', at)) return count;
      }
      return Number.POSITIVE_INFINITY;
    };
    expect(failing(false)).toBe(MAX_STRIKES);
    expect(failing(true)).toBe(Number.POSITIVE_INFINITY);
  });

  it('what a removed source was asked for waits again, and a forgotten shard is asked for no more', () => {
    const policy = new SourcePolicy();
    policy.add({ id: 'a', window: 4, lasting: false, has: () => true });
    policy.want(chunks(2));
    expect(policy.pick(0).map(({ chunk }) => chunk.chunk)).toEqual([0, 1]);
    policy.remove('a');
    policy.add({ id: 'b', window: 4, lasting: false, has: () => true });
    expect(policy.pick(1).map(({ chunk }) => chunk.chunk).toSorted()).toEqual([0, 1]);
    policy.forget('one');
    policy.add({ id: 'c', window: 4, lasting: false, has: () => true });
    expect(policy.pick(2)).toEqual([]);
  });

  it('idle time is not held against a source', () => {
    const policy = new SourcePolicy();
    policy.add({ id: 'a', window: 1, lasting: false, has: () => true });
    policy.want(chunks(3));
    let now = 0;
    for (let count = 0; count < 2; count++) {
      const [pick] = policy.pick(now);
      now += 100;
      if (pick !== undefined) policy.arrived('a', pick.chunk, now);
      now += count === 0 ? 60_000 : 0;
    }
    expect(policy.rate('a')).toBeCloseTo((BYTES * 1_000) / 100, -3);
  });
});
