import { MAX_LINK_RTT_MS } from '@ciro/core/protocol/limits.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import type { LinkError } from './link-error.ts';
import { LINK_REPORT_MS, LINK_STATS_MS, MAX_LINKS } from './transport-limits.ts';
import type { Link, LinkEvents, LinkRoute, LinkStats, OpenLink, OpenRelayedLink, RelayedLink } from './link.ts';

/** What the coordinator says about links. */
export type LinkOrder = Extract<CoordinatorMessage, { type: 'connect' | 'disconnect' | 'signal' } | RelayMessage>;
/** What the manager says to the coordinator. */
export type LinkReport = Extract<WorkerMessage, { type: 'signal' | 'link' } | RelayMessage>;

/** What the manager needs of the rest of the tab. */
export interface LinkManagerPorts {
  readonly openLink: OpenLink;
  readonly openRelayedLink: OpenRelayedLink;
  /** Neighbours learn no address of this device (SPEC L5). */
  readonly relayOnly: boolean;
  send(report: LinkReport): void;
  /** Frames of this neighbour come and go through `port`, each one `Uint8Array`; `null` closes the link. */
  attach(peer: NodeId, port: MessagePort): void;
  detach(peer: NodeId): void;
  /** A frame of our own was handed to its link. It must not be changed or kept. */
  frameSent(frame: Uint8Array): void;
  /** The list of links, or a figure in it, is another now. */
  changed(): void;
}

/** One link, for people to look at. */
export interface LinkView {
  readonly peer: NodeId;
  readonly state: 'opening' | 'open';
  readonly route: LinkRoute;
  readonly rttMs: number;
  /** Share of probes that got no answer lately; undefined where it is not known. */
  readonly loss?: number | undefined;
}

interface Entry {
  readonly id: string;
  readonly peer: NodeId;
  readonly link: Link;
  /** The same, when it goes through the coordinator. */
  readonly relayed: RelayedLink | undefined;
  readonly port: MessagePort;
  state: 'opening' | 'open';
  stats: LinkStats;
  timer?: ReturnType<typeof setInterval>;
  reported: { readonly at: number; readonly stats: LinkStats } | undefined;
}

const UNKNOWN: LinkStats = { route: 'unknown', rttMs: 0 };

/** Opens and closes links as the coordinator orders, and ties each open one to the compute worker by a MessagePort. */
export class LinkManager {
  readonly #ports: LinkManagerPorts;
  readonly #links = new Map<string, Entry>();

  constructor(ports: LinkManagerPorts) {
    this.#ports = ports;
  }

  handle(order: LinkOrder): void {
    switch (order.type) {
      case 'connect':
        return this.#connect(order);
      case 'disconnect':
        return this.#links.get(order.link)?.link.close();
      case 'signal': {
        // A signal for a link that is gone, or from somebody who is not its other end, is nobody's business.
        const entry = this.#links.get(order.link);
        if (entry?.peer === order.from) entry.link.signal(order.payload);
        return;
      }
      case 'relay':
      case 'relay-taken':
        return this.#links.get(order.link)?.relayed?.receive(order);
    }
  }

  views(): LinkView[] {
    return [...this.#links.values()].map(({ peer, state, stats }) => ({ peer, state, ...stats }));
  }

  /** What goes through the coordinator ends with the connection to it; links over WebRTC stay. */
  connectionLost(): void {
    for (const { relayed } of this.#links.values()) relayed?.close();
  }

  closeAll(): void {
    for (const entry of this.#links.values()) entry.link.close();
  }

  #connect({ link: id, peer, initiator, via, iceServers }: Extract<LinkOrder, { type: 'connect' }>): void {
    if (this.#links.has(id)) return;
    // A new link to the same neighbour replaces the old one: the compute worker knows one port a neighbour.
    for (const old of this.#links.values()) if (old.peer === peer) old.link.close();
    if (this.#links.size >= MAX_LINKS) return this.#report(id, peer, 'failed', UNKNOWN);
    const channel = new MessageChannel();
    const port = channel.port1;
    const events: LinkEvents = {
      onSignal: (payload) => this.#ports.send({ type: 'signal', to: peer, link: id, payload }),
      // Frames that come before our side counts as open wait in the channel until the worker takes its end.
      onFrame: (frame) => port.postMessage(frame, [frame.buffer]),
      onOpen: () => this.#opened(id, channel.port2),
      onClosed: (error) => this.#closed(id, error),
    };
    const { openLink, openRelayedLink, relayOnly } = this.#ports;
    const relayed = via === 'coordinator' ? openRelayedLink(id, (message) => this.#ports.send(message), events) : undefined;
    const link = relayed ?? openLink({ initiator, iceServers, relayOnly }, events);
    port.onmessage = (event: MessageEvent<unknown>) => {
      if (event.data === null) return link.close();
      if (!(event.data instanceof Uint8Array)) return;
      link.send(event.data);
      this.#ports.frameSent(event.data);
    };
    this.#links.set(id, { id, peer, link, relayed, port, state: 'opening', stats: UNKNOWN, reported: undefined });
    this.#ports.changed();
  }

  #opened(id: string, port: MessagePort): void {
    const entry = this.#links.get(id);
    if (entry === undefined) return;
    entry.state = 'open';
    this.#ports.attach(entry.peer, port);
    entry.timer = setInterval(() => void this.#measure(entry), LINK_STATS_MS);
    void this.#measure(entry);
  }

  /** Tells the coordinator at first and now and then. Figures are a courtesy: where the browser gives none the link works all the same. */
  async #measure(entry: Entry): Promise<void> {
    entry.stats = await entry.link.stats().catch(() => entry.stats);
    this.#ports.changed();
    const [now, { reported, stats }] = [performance.now(), entry];
    const news = reported === undefined || now - reported.at >= LINK_REPORT_MS || reported.stats.route !== stats.route || (reported.stats.rttMs === 0 && stats.rttMs > 0);
    if (this.#links.get(entry.id) !== entry || !news) return;
    entry.reported = { at: now, stats };
    this.#report(entry.id, entry.peer, 'open', stats);
  }

  #closed(id: string, error: LinkError | undefined): void {
    const entry = this.#links.get(id);
    if (entry === undefined) return;
    this.#links.delete(id);
    clearInterval(entry.timer);
    entry.port.close();
    if (entry.state === 'open') this.#ports.detach(entry.peer);
    this.#report(id, entry.peer, error === undefined ? 'closed' : 'failed', entry.stats);
    this.#ports.changed();
  }

  #report(link: string, peer: NodeId, state: 'open' | 'closed' | 'failed', stats: LinkStats): void {
    this.#ports.send({ type: 'link', link, peer, state, route: stats.route, rttMs: Math.min(stats.rttMs, MAX_LINK_RTT_MS), ...(stats.loss !== undefined && { loss: stats.loss }) });
  }
}
