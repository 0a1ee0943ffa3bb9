import type { NodeId } from '@ciro/core/ids.ts';
import { LINK_ATTEMPTS, LINK_OPEN_TIMEOUT_MS, LINK_RETRY_MS, RELAY_LEAVE_BUSY_MS, RELAY_LEAVE_MAX_MS, RELAY_LEAVE_MS, RELAY_OPEN_TIMEOUT_MS } from './scheduler-limits.ts';
import type { LinkWay } from '../relay/relay.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';

type LinkState = Extract<WorkMessage, { type: 'link' }>;
export type LinkRoute = LinkState['route'];

/** Port: introduces two workers, and ends that. `Relay` is one. */
export interface Introductions {
  /** False where the two can only be joined through the coordinator. */
  mayMeet(a: NodeId, b: NodeId): boolean;
  open(link: string, a: NodeId, b: NodeId, via: LinkWay): boolean;
  close(link: string): void;
}

export interface RingLinksOwner {
  /** A link that was open on both sides is not any more. */
  linkLost(a: NodeId, b: NodeId): void;
  /** Several attempts failed; more follow until the ring changes. */
  linkHopeless(a: NodeId, b: NodeId): void;
  /** Some link opened. */
  linkOpened(): void;
  /** One end of an open link told its round trip, in milliseconds. */
  linkMeasured?(from: NodeId, peer: NodeId, rttMs: number): void;
  /** True while any job uses the links: none is taken down to look for a better route then. */
  busy(): boolean;
}

/** What operators see of a link. */
export interface LinkStatus {
  readonly ends: readonly [NodeId, NodeId];
  readonly open: boolean;
  readonly route: LinkRoute;
  readonly rttMs: number;
  /** Share of probes without an answer; null where neither end knows. */
  readonly loss: number | null;
}

interface Edge {
  readonly a: NodeId;
  readonly b: NodeId;
  /** Name of the current attempt; undefined while waiting for the next. */
  link: string | undefined;
  via: LinkWay;
  /** Each end's newest word on it; who is in it says that it is open. */
  readonly openAt: Map<NodeId, LinkState>;
  route: LinkRoute;
  /** Ways that failed since it was open for the last time. */
  failures: number;
  /** Until a relayed link is tried again over WebRTC. */
  leaveMs: number;
  cancelTimer: () => void;
}

/**
 * The links between neighbours of the current placement: opened, watched, tried again (SPEC L1). Over WebRTC first; where that does not open or
 * breaks, through the coordinator at once.
 */
export class RingLinks {
  readonly #deps: { readonly clock: Clock; readonly introductions: Introductions; readonly newLink: () => string; readonly owner: RingLinksOwner };
  readonly #edges = new Map<string, Edge>();

  /** `newLink`: a name that no link of any ring had. */
  constructor(deps: { clock: Clock; introductions: Introductions; newLink: () => string; owner: RingLinksOwner }) {
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
      const edge: Edge = { a, b, link: undefined, via: 'peer', openAt: new Map(), route: 'unknown', failures: 0, leaveMs: RELAY_LEAVE_MS, cancelTimer: () => undefined };
      this.#edges.set(pair, edge);
      this.#attempt(edge, this.#firstWay(edge));
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
    if (message.state !== 'open') {
      this.#failed(edge);
      return true;
    }
    const before = isOpen(edge);
    edge.openAt.set(from, message);
    this.#deps.owner.linkMeasured?.(from, from === edge.a ? edge.b : edge.a, message.rttMs);
    // Either side may know more of the route than the other; a detour is never overruled by a guess.
    if (edge.via === 'coordinator') edge.route = 'relay';
    else if (edge.route !== 'turn' && (message.route === 'direct' || message.route === 'turn')) edge.route = message.route;
    if (!before && isOpen(edge)) this.#opened(edge);
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

  /** Every link of the ring, in no order. */
  get status(): LinkStatus[] {
    return [...this.#edges.values()].map((edge) => {
      const said = [...edge.openAt.values()];
      const losses = said.flatMap(({ loss }) => loss ?? []);
      return { ends: [edge.a, edge.b], open: isOpen(edge), route: edge.route, rttMs: Math.max(0, ...said.map(({ rttMs }) => rttMs)), loss: losses.length === 0 ? null : Math.max(...losses) };
    });
  }

  get allOpen(): boolean {
    return [...this.#edges.values()].every(isOpen);
  }

  #firstWay({ a, b }: Edge): LinkWay {
    return this.#deps.introductions.mayMeet(a, b) ? 'peer' : 'coordinator';
  }

  #attempt(edge: Edge, via: LinkWay): void {
    const { clock, introductions } = this.#deps;
    edge.link = this.#deps.newLink();
    edge.via = via;
    edge.openAt.clear();
    edge.route = 'unknown';
    edge.cancelTimer = clock.after(via === 'peer' ? LINK_OPEN_TIMEOUT_MS : RELAY_OPEN_TIMEOUT_MS, () => this.#failed(edge));
    introductions.open(edge.link, edge.a, edge.b, via);
  }

  #opened(edge: Edge): void {
    edge.cancelTimer();
    edge.failures = 0;
    if (edge.via === 'peer') edge.leaveMs = RELAY_LEAVE_MS;
    else if (this.#firstWay(edge) === 'peer') this.#leaveRelayLater(edge, edge.leaveMs);
    this.#deps.owner.linkOpened();
  }

  /** A network that let nothing through may do so later, and its relay is needed for others. */
  #leaveRelayLater(edge: Edge, ms: number): void {
    edge.cancelTimer = this.#deps.clock.after(ms, () => {
      if (this.#deps.owner.busy()) return this.#leaveRelayLater(edge, RELAY_LEAVE_BUSY_MS);
      edge.leaveMs = Math.min(2 * edge.leaveMs, RELAY_LEAVE_MAX_MS);
      this.#close(edge);
      this.#attempt(edge, 'peer');
    });
  }

  #failed(edge: Edge): void {
    const { owner, clock } = this.#deps;
    const wasOpen = isOpen(edge);
    edge.cancelTimer();
    this.#close(edge);
    edge.failures++;
    // A job may wait for this link: what needs no route between the two is there at once.
    if (edge.via === 'peer') this.#attempt(edge, 'coordinator');
    else edge.cancelTimer = clock.after(LINK_RETRY_MS, () => this.#attempt(edge, this.#firstWay(edge)));
    if (wasOpen) owner.linkLost(edge.a, edge.b);
    if (edge.failures >= 2 * LINK_ATTEMPTS && edge.failures % (2 * LINK_ATTEMPTS) === 0) owner.linkHopeless(edge.a, edge.b);
  }

  #close(edge: Edge): void {
    if (edge.link !== undefined) this.#deps.introductions.close(edge.link);
    edge.link = undefined;
    edge.openAt.clear();
  }
}

const isOpen = (edge: Edge): boolean => edge.openAt.size === 2;
const pairOf = (a: NodeId, b: NodeId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
