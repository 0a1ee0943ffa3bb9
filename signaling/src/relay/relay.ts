import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkMessage } from '../sessions/worker.ts';

/** Signals one link may relay: an offer, an answer and about twenty candidates a side; a restart of ICE doubles it. */
export const MAX_SIGNALS_PER_LINK = 200;
/** Bytes one link may relay, both directions. */
export const MAX_SIGNAL_BYTES_PER_LINK = 512 * 1024;
/** Links at a time: a ring of 64 stages and as many being replaced. */
export const MAX_LINKS = 1_024;

/** Why a signal was not passed on. */
export type SignalDrop = 'no-link' | 'link-limit';

/** Port: the way to sessions. */
export interface RelayDeps {
  send(nodeId: NodeId, message: CoordinatorMessage): void;
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

  /** Asks both ends to connect; `a` is the initiator. False when there are too many links. */
  open(link: string, a: NodeId, b: NodeId): boolean {
    if (this.#links.size >= MAX_LINKS) return false;
    this.#links.set(link, { a, b, signals: 0, bytes: 0 });
    // The side that waits is told first, so that the offer finds it ready.
    this.#deps.send(b, { type: 'connect', link, peer: a, initiator: false });
    this.#deps.send(a, { type: 'connect', link, peer: b, initiator: true });
    return true;
  }

  /** Forgets a link and tells both ends to close it. */
  close(link: string): void {
    const ends = this.#links.get(link);
    if (ends === undefined) return;
    this.#links.delete(link);
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
