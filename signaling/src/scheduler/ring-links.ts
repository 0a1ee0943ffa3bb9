import type { NodeId } from '@ciro/core/ids.ts';
import { LINK_ATTEMPTS, LINK_OPEN_TIMEOUT_MS, LINK_RETRY_MS } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';

export type LinkRoute = 'direct' | 'relay' | 'unknown';
type LinkState = Extract<WorkMessage, { type: 'link' }>;

/** Port: introduces two workers, and ends that. `Relay` is one. */
export interface Introductions {
  open(link: string, a: NodeId, b: NodeId): boolean;
  close(link: string): void;
}

export interface RingLinksOwner {
  /** A link that was open on both sides is not any more. */
  linkLost(a: NodeId, b: NodeId): void;
  /** Several attempts failed; more follow until the ring changes. */
  linkHopeless(a: NodeId, b: NodeId): void;
  /** Some link opened. */
  linkOpened(): void;
}

interface Edge {
  readonly a: NodeId;
  readonly b: NodeId;
  /** Name of the current attempt; undefined while waiting for the next. */
  link: string | undefined;
  readonly openAt: Set<NodeId>;
  route: LinkRoute;
  rttMs: number;
  attempts: number;
  cancelTimer: () => void;
}

/** The links between neighbours of the current placement: opened, watched, tried again. */
export class RingLinks {
  readonly #deps: { readonly clock: Clock; readonly introductions: Introductions; readonly owner: RingLinksOwner };
  readonly #edges = new Map<string, Edge>();
  #count = 0;

  constructor(deps: { clock: Clock; introductions: Introductions; owner: RingLinksOwner }) {
    this.#deps = deps;
  }

  /** Makes the links those of this ring (null: a stage without a worker); links it shares with the last ring stay as they are. */
  set(ring: readonly (NodeId | null)[]): void {
    const wanted = new Map<string, readonly [NodeId, NodeId]>();
    ring.forEach((a, stage) => {
      const b = ring[(stage + 1) % ring.length];
      if (a === null || b === null || b === undefined || a === b) return;
      // A ring of two meets the same pair again from the other side.
      if (!wanted.has(pairOf(a, b))) wanted.set(pairOf(a, b), [a, b]);
    });
    for (const [pair, edge] of [...this.#edges]) {
      if (wanted.has(pair)) continue;
      this.#edges.delete(pair);
      edge.cancelTimer();
      this.#close(edge);
    }
    for (const [pair, [a, b]] of wanted) {
      if (this.#edges.has(pair)) continue;
      const edge: Edge = { a, b, link: undefined, openAt: new Set(), route: 'unknown', rttMs: 0, attempts: 0, cancelTimer: () => undefined };
      this.#edges.set(pair, edge);
      this.#attempt(edge);
    }
  }

  /** A worker is gone: its links are forgotten. */
  drop(nodeId: NodeId): void {
    for (const [pair, edge] of [...this.#edges]) {
      if (edge.a !== nodeId && edge.b !== nodeId) continue;
      this.#edges.delete(pair);
      edge.cancelTimer();
      this.#close(edge);
    }
  }

  /** A worker's word on one of its links; false when the link is not one of its own. An older attempt is no offence. */
  handle(from: NodeId, message: LinkState): boolean {
    const edge = [...this.#edges.values()].find((each) => each.link === message.link);
    if (edge === undefined) return true;
    if (from !== edge.a && from !== edge.b) return false;
    if (message.state === 'open') {
      edge.openAt.add(from);
      edge.rttMs = Math.max(edge.rttMs, message.rttMs);
      // Either side may know more of the route than the other; `relay` is never overruled by a guess.
      if (edge.route !== 'relay' && message.route !== 'unknown') edge.route = message.route;
      if (!isOpen(edge)) return true;
      edge.cancelTimer();
      edge.attempts = 0;
      this.#deps.owner.linkOpened();
    } else {
      this.#failed(edge);
    }
    return true;
  }

  isOpen(a: NodeId, b: NodeId): boolean {
    const edge = this.#edges.get(pairOf(a, b));
    return edge !== undefined && isOpen(edge);
  }

  /** `none` between a worker and itself (a ring of one). */
  route(a: NodeId, b: NodeId): LinkRoute | 'none' {
    return a === b ? 'none' : (this.#edges.get(pairOf(a, b))?.route ?? 'unknown');
  }

  get allOpen(): boolean {
    return [...this.#edges.values()].every(isOpen);
  }

  #attempt(edge: Edge): void {
    edge.link = `link-${++this.#count}`;
    edge.openAt.clear();
    edge.route = 'unknown';
    edge.attempts++;
    edge.cancelTimer = this.#deps.clock.after(LINK_OPEN_TIMEOUT_MS, () => this.#failed(edge));
    this.#deps.introductions.open(edge.link, edge.a, edge.b);
  }

  #failed(edge: Edge): void {
    const { owner, clock } = this.#deps;
    const wasOpen = isOpen(edge);
    edge.cancelTimer();
    this.#close(edge);
    const hopeless = edge.attempts > 0 && edge.attempts % LINK_ATTEMPTS === 0;
    edge.cancelTimer = clock.after(LINK_RETRY_MS, () => this.#attempt(edge));
    if (wasOpen) owner.linkLost(edge.a, edge.b);
    if (hopeless) owner.linkHopeless(edge.a, edge.b);
  }

  #close(edge: Edge): void {
    if (edge.link !== undefined) this.#deps.introductions.close(edge.link);
    edge.link = undefined;
    edge.openAt.clear();
  }
}

const isOpen = (edge: Edge): boolean => edge.openAt.size === 2;
const pairOf = (a: NodeId, b: NodeId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
