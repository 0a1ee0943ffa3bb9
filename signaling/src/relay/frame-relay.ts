import { RELAY_WINDOW_BYTES } from '@ciro/core/protocol/limits.ts';
import { TokenBucket } from '../sessions/token-bucket.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Offence } from '../sessions/worker.ts';

/** Bytes of one link, both directions, at once and per second: a prompt of 450 positions at d = 576, and 400 rows a second. */
export const RELAY_LINK_BURST_BYTES = 1024 * 1024;
export const RELAY_LINK_BYTES_PER_SECOND = 1024 * 1024;
/** Bytes of all links together, at once and per second: an eighth of a gigabit line, the rest is for pages, shards and control. */
export const RELAY_BURST_BYTES = 16 * 1024 * 1024;
export const RELAY_BYTES_PER_SECOND = 16 * 1024 * 1024;
/** Relayed links at a time: what waits for slow tabs is at most 128 kB a link, 32 MB in all. */
export const MAX_RELAYED_LINKS = 256;

/** Port: sessions, and time. */
export interface FrameRelayDeps {
  readonly clock: Clock;
  send(nodeId: NodeId, message: CoordinatorMessage): void;
  offend(nodeId: NodeId, offence: Offence, code: string, message: string): void;
}

/** One direction of a link. */
interface Lane {
  readonly to: NodeId;
  /** Bytes that its sender sent and the other end has not taken: at most RELAY_WINDOW_BYTES. */
  onTheWay: number;
  /** Pieces held back by the budget of bytes, the oldest first. */
  readonly waiting: { readonly at: number; readonly message: RelayMessage }[];
  cancelTimer: () => void;
}

interface RelayedLink {
  readonly lanes: ReadonlyMap<NodeId, Lane>;
  readonly budget: TokenBucket;
}

/**
 * Passes frames on between two tabs that cannot reach each other, unread and in order (SPEC L3). An end may have RELAY_WINDOW_BYTES on the
 * way, which is all that is ever kept of it here; pieces beyond a budget of bytes wait, so that a busy pair slows itself down and nobody else.
 */
export class FrameRelay {
  readonly #deps: FrameRelayDeps;
  readonly #links = new Map<string, RelayedLink>();
  readonly #budget: TokenBucket;
  #bytes = 0;

  constructor(deps: FrameRelayDeps) {
    this.#deps = deps;
    this.#budget = new TokenBucket(RELAY_BURST_BYTES, RELAY_BYTES_PER_SECOND, deps.clock.now());
  }

  /** Bytes passed on so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Frames pass between the two from now on. False when there are too many links. */
  open(link: string, a: NodeId, b: NodeId): boolean {
    if (this.#links.size >= MAX_RELAYED_LINKS) return false;
    const lane = (to: NodeId): Lane => ({ to, onTheWay: 0, waiting: [], cancelTimer: () => undefined });
    const budget = new TokenBucket(RELAY_LINK_BURST_BYTES, RELAY_LINK_BYTES_PER_SECOND, this.#deps.clock.now());
    this.#links.set(link, { lanes: new Map([[a, lane(b)], [b, lane(a)]]), budget });
    return true;
  }

  /** Drops what is on the way. */
  close(link: string): void {
    for (const lane of this.#links.get(link)?.lanes.values() ?? []) lane.cancelTimer();
    this.#links.delete(link);
  }

  /** A message of an end. What is for a link that is gone is late, and dropped without a word. */
  handle(from: NodeId, message: RelayMessage): void {
    const link = this.#links.get(message.link);
    if (link === undefined) return;
    const own = link.lanes.get(from);
    if (own === undefined) return this.#deps.offend(from, 'not-yours', 'relay-foreign', `link ${message.link} is between others`);
    if (message.type === 'relay') return this.#pass(from, own, link.budget, message);
    const other = link.lanes.get(own.to);
    if (other === undefined || message.bytes > other.onTheWay) {
      return this.#deps.offend(from, 'not-yours', 'relay-not-given', `${message.bytes} bytes of link ${message.link} are said to be taken; ${other?.onTheWay ?? 0} were on the way`);
    }
    other.onTheWay -= message.bytes;
    this.#deps.send(own.to, message);
  }

  #pass(from: NodeId, lane: Lane, budget: TokenBucket, message: Extract<RelayMessage, { type: 'relay' }>): void {
    const { length } = message.bytes;
    if (lane.onTheWay + length > RELAY_WINDOW_BYTES) {
      return this.#deps.offend(from, 'oversized', 'relay-overrun', `${lane.onTheWay + length} bytes of link ${message.link} would be on the way; wait until at most ${RELAY_WINDOW_BYTES} are`);
    }
    lane.onTheWay += length;
    this.#bytes += length;
    const now = this.#deps.clock.now();
    const ms = Math.max(budget.spend(length, now), this.#budget.spend(length, now));
    if (ms === 0 && lane.waiting.length === 0) return this.#deps.send(lane.to, message);
    lane.waiting.push({ at: now + ms, message });
    if (lane.waiting.length === 1) this.#wake(lane, ms);
  }

  #wake(lane: Lane, ms: number): void {
    lane.cancelTimer = this.#deps.clock.after(ms, () => {
      const now = this.#deps.clock.now();
      while (lane.waiting[0] !== undefined && lane.waiting[0].at <= now) {
        const next = lane.waiting.shift();
        if (next !== undefined) this.#deps.send(lane.to, next.message);
      }
      if (lane.waiting[0] !== undefined) this.#wake(lane, lane.waiting[0].at - now);
    });
  }
}
