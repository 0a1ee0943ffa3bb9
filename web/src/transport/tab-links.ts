import { LinkManager } from './link-manager.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { LinkManagerPorts, LinkOrder, LinkView } from './link-manager.ts';

/** What weights links need besides: where their frames go, and whether this tab gives at this moment. */
export interface WeightsPorts {
  attach(peer: NodeId, port: MessagePort): void;
  detach(peer: NodeId): void;
  /** False on a line that is paid by the byte: what is loaded here comes from neighbours all the same. */
  mayGive(): boolean;
}

/** Only STUN: what is said about servers for weights is not the coordinator's alone to decide (SPEC D5). */
const STUN = /^stuns?:/;

/**
 * All links of a tab: those of rings, and those for weights, which are apart, so that one neighbour can have both and no row waits behind a chunk in
 * one channel. Weights go directly or not at all: never through a TURN server or the coordinator, and not to or from a tab that hides its address.
 */
export class TabLinks {
  readonly #send: LinkManagerPorts['send'];
  readonly #relayOnly: boolean;
  readonly #mayGive: () => boolean;
  readonly #ring: LinkManager;
  readonly #weights: LinkManager;

  constructor(ports: LinkManagerPorts, weights: WeightsPorts) {
    this.#send = ports.send;
    this.#relayOnly = ports.relayOnly;
    this.#mayGive = () => weights.mayGive();
    this.#ring = new LinkManager(ports);
    this.#weights = new LinkManager({ ...ports, attach: (...link) => weights.attach(...link), detach: (peer) => weights.detach(peer), frameSent: () => undefined, changed: () => undefined });
  }

  handle(order: LinkOrder): void {
    switch (order.type) {
      case 'connect':
        if (order.use === 'ring') return this.#ring.handle(order);
        if (this.#relayOnly || order.via !== 'peer' || (!order.initiator && !this.#mayGive())) return this.#send({ type: 'link', link: order.link, peer: order.peer, state: 'failed', route: 'unknown', rttMs: 0 });
        return this.#weights.handle({ ...order, iceServers: order.iceServers.filter(({ urls }) => STUN.test(urls)) });
      case 'disconnect':
      case 'signal':
        // The names of links are unlike: the one that does not know it does nothing.
        this.#weights.handle(order);
        return this.#ring.handle(order);
      case 'relay':
      case 'relay-taken':
        return this.#ring.handle(order);
    }
  }

  /** Links of rings, for people to look at. */
  views(): LinkView[] {
    return this.#ring.views();
  }

  /** The coordinator forgets links for weights with the connection; those of rings over WebRTC stay. */
  connectionLost(): void {
    this.#ring.connectionLost();
    this.#weights.closeAll();
  }

  closeAll(): void {
    this.#ring.closeAll();
    this.#weights.closeAll();
  }
}
