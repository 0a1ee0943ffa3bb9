import type { NodeId } from '@ciro/core/ids.ts';
import { MAX_RTT_SAMPLES, RTT_PAIR_SMOOTHING, RTT_REMEMBERED_MS } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';

/** What one end of a link says of it: a running mean in milliseconds, and when it spoke last. */
interface Said {
  readonly from: NodeId;
  readonly peer: NodeId;
  readonly meanMs: number;
  readonly at: number;
}

/** A round trip as operators see it. */
export interface PairRtt {
  readonly peer: NodeId;
  readonly rttMs: number;
  readonly ageMs: number;
}

/**
 * Round trips between pairs of workers, as far as links between them measured any (SPEC W5): sparse, bounded, and forgotten with age. Of what the two
 * ends say the larger counts: who wants to be nearer than it is needs a neighbour that lies as well.
 */
export class RttMatrix {
  readonly #clock: Pick<Clock, 'now'>;
  /** By `from peer`, what was said longest ago first. */
  readonly #said = new Map<string, Said>();
  readonly #peers = new Map<NodeId, Set<NodeId>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** One end of an open link told its round trip; 0 is no measurement. Only of links that both were introduced for. */
  told(from: NodeId, peer: NodeId, rttMs: number): void {
    if (rttMs <= 0 || from === peer) return;
    const [key, at] = [keyOf(from, peer), this.#clock.now()];
    const before = this.#said.get(key);
    const isFresh = before !== undefined && at - before.at < RTT_REMEMBERED_MS;
    this.#said.delete(key);
    this.#said.set(key, { from, peer, at, meanMs: isFresh ? before.meanMs + (rttMs - before.meanMs) * RTT_PAIR_SMOOTHING : rttMs });
    this.#join(from, peer);
    this.#join(peer, from);
    for (const oldest of this.#said.values()) {
      if (this.#said.size <= MAX_RTT_SAMPLES && at - oldest.at < RTT_REMEMBERED_MS) break;
      this.#forget(oldest);
    }
  }

  /** Milliseconds between two workers; undefined where no link told it lately. */
  between(a: NodeId, b: NodeId): number | undefined {
    return this.#pair(a, b)?.rttMs;
  }

  /** From one worker to every other that a link told of, lately. */
  of(worker: NodeId): ReadonlyMap<NodeId, number> {
    return new Map(this.list(worker).map(({ peer, rttMs }) => [peer, rttMs]));
  }

  /** The same with the age of what was said last, in order of the peers' ids. */
  list(worker: NodeId): readonly PairRtt[] {
    const peers = [...(this.#peers.get(worker) ?? [])].sort();
    return peers.flatMap((peer) => this.#pair(worker, peer) ?? []);
  }

  /** Words of single ends that are kept. */
  get size(): number {
    return this.#said.size;
  }

  #pair(worker: NodeId, peer: NodeId): PairRtt | undefined {
    const now = this.#clock.now();
    const said = [keyOf(worker, peer), keyOf(peer, worker)].flatMap((key) => this.#said.get(key) ?? []).filter(({ at }) => now - at < RTT_REMEMBERED_MS);
    return said.length === 0 ? undefined : { peer, rttMs: Math.max(...said.map(({ meanMs }) => meanMs)), ageMs: now - Math.max(...said.map(({ at }) => at)) };
  }

  #join(a: NodeId, b: NodeId): void {
    this.#peers.set(a, (this.#peers.get(a) ?? new Set()).add(b));
  }

  #forget({ from, peer }: Said): void {
    this.#said.delete(keyOf(from, peer));
    if (this.#said.has(keyOf(peer, from))) return;
    for (const [end, other] of [[from, peer], [peer, from]] as const) {
      const peers = this.#peers.get(end);
      peers?.delete(other);
      if (peers?.size === 0) this.#peers.delete(end);
    }
  }
}

const keyOf = (from: NodeId, peer: NodeId): string => `${from} ${peer}`;
