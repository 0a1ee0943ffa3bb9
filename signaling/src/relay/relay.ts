import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import type { FrameRelay } from './frame-relay.ts';
import type { IceServers } from './ice-servers.ts';

/** Signals one link may relay: an offer, an answer and about twenty candidates a side; a restart of ICE doubles it. */
export const MAX_SIGNALS_PER_LINK = 200;
/** Bytes one link may relay, both directions. */
export const MAX_SIGNAL_BYTES_PER_LINK = 512 * 1024;
/** Links at a time: a ring of 64 stages and as many being replaced. */
export const MAX_LINKS = 1_024;

/** Why a signal was not passed on. */
export type SignalDrop = 'no-link' | 'link-limit';

/** How the two ends of a link reach each other: by themselves over WebRTC, or through the coordinator. */
export type LinkWay = 'peer' | 'coordinator';
/** What a link carries: frames of a ring, or weights (SPEC D5). */
export type LinkUse = 'ring' | 'weights';

/** Port: the way to sessions, and what links are made with. */
export interface RelayDeps {
  send(nodeId: NodeId, message: CoordinatorMessage): void;
  /** Whether this worker tells no neighbour its network address (SPEC L5). */
  hidesAddress(nodeId: NodeId): boolean;
  readonly iceServers: Pick<IceServers, 'for' | 'hasTurn' | 'stunOnly'>;
  readonly frames: Pick<FrameRelay, 'open' | 'close'>;
}

interface Link {
  readonly a: NodeId;
  readonly b: NodeId;
  signals: number;
  bytes: number;
}

/**
 * Introduces two workers to each other and passes their signals on, unread. Only between the two ends of a link that was
 * opened here: nobody can use the coordinator to reach a tab it was not introduced to.
 */
export class Relay {
  readonly #deps: RelayDeps;
  readonly #links = new Map<string, Link>();
  #dropped = 0;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  /** Signals dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#links.size;
  }

  /** False where they cannot reach each other by themselves at all: one hides its address, and there is no TURN server to hide it behind. */
  mayMeet(a: NodeId, b: NodeId): boolean {
    const { hidesAddress, iceServers } = this.#deps;
    return iceServers.hasTurn || (!hidesAddress(a) && !hidesAddress(b));
  }

  /** False where weights may not pass between the two: one of them hides its address, and nothing but a direct way is for weights (SPEC D5). */
  mayShare(a: NodeId, b: NodeId): boolean {
    return !this.#deps.hidesAddress(a) && !this.#deps.hidesAddress(b);
  }

  /** Asks both ends to connect for weights, by themselves and without a TURN server; `a` is the initiator. False when they may not, or there are too many links. */
  openForWeights(link: string, a: NodeId, b: NodeId): boolean {
    return this.mayShare(a, b) && this.#open(link, a, b, 'peer', 'weights');
  }

  /** Asks both ends to connect in this way; `a` is the initiator. False when there are too many links. */
  open(link: string, a: NodeId, b: NodeId, via: LinkWay): boolean {
    return this.#open(link, a, b, via, 'ring');
  }

  #open(link: string, a: NodeId, b: NodeId, via: LinkWay, use: LinkUse): boolean {
    if (this.#links.size >= MAX_LINKS) return false;
    if (via === 'coordinator' && !this.#deps.frames.open(link, a, b)) return false;
    this.#links.set(link, { a, b, signals: 0, bytes: 0 });
    // The side that waits is told first, so that the offer, or the first frame, finds it ready.
    this.#connect(link, b, a, false, via, use);
    this.#connect(link, a, b, true, via, use);
    return true;
  }

  #connect(link: string, to: NodeId, peer: NodeId, initiator: boolean, via: LinkWay, use: LinkUse): void {
    const servers = this.#deps.iceServers;
    const iceServers = via !== 'peer' ? [] : use === 'weights' ? servers.stunOnly() : servers.for(to);
    this.#deps.send(to, { type: 'connect', link, peer, initiator, via, use, iceServers });
  }

  /** Forgets a link and tells both ends to close it. */
  close(link: string): void {
    const ends = this.#links.get(link);
    if (ends === undefined) return;
    this.#links.delete(link);
    this.#deps.frames.close(link);
    for (const end of [ends.a, ends.b]) this.#deps.send(end, { type: 'disconnect', link });
  }

  /** Passes a signal on; says why when it did not. */
  handle(from: NodeId, signal: Extract<WorkMessage, { type: 'signal' }>): SignalDrop | undefined {
    const link = this.#links.get(signal.link);
    const other = link?.a === from ? link.b : link?.b === from ? link.a : undefined;
    if (link === undefined || other !== signal.to) return this.#drop('no-link');
    if (link.signals >= MAX_SIGNALS_PER_LINK || link.bytes + signal.payload.length > MAX_SIGNAL_BYTES_PER_LINK) return this.#drop('link-limit');
    link.signals++;
    link.bytes += signal.payload.length;
    this.#deps.send(other, { type: 'signal', from, link: signal.link, payload: signal.payload });
    return undefined;
  }

  #drop(why: SignalDrop): SignalDrop {
    this.#dropped++;
    return why;
  }
}
