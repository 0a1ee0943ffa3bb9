import { LINK_HEARTBEAT_MS } from '@ciro/core/protocol/limits.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';
import { HEARTBEAT, isHeartbeat } from './heartbeat.ts';
import { LinkError } from './link-error.ts';
import { LinkPulse } from './link-pulse.ts';
import { RelayReceiver } from './relay-receiver.ts';
import { RelaySender } from './relay-sender.ts';
import type { LinkEvents, LinkStats, RelayedLink } from './link.ts';

/** Opens a link through the coordinator, at once: the other end was told of it first (OpenRelayedLink). */
export const openRelayedLink = (link: string, send: (message: RelayMessage) => void, events: LinkEvents): RelayedLink => new CoordinatorLink(link, send, events);

class CoordinatorLink implements RelayedLink {
  readonly #link: string;
  readonly #hand: (message: RelayMessage) => void;
  readonly #events: LinkEvents;
  readonly #sender: RelaySender;
  readonly #receiver = new RelayReceiver();
  readonly #pulse = new LinkPulse(performance.now());
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(link: string, hand: (message: RelayMessage) => void, events: LinkEvents) {
    this.#link = link;
    this.#hand = hand;
    this.#events = events;
    this.#sender = new RelaySender((bytes, last) => hand({ type: 'relay', link, last, bytes }));
    this.#timer = setInterval(() => this.#tick(), LINK_HEARTBEAT_MS);
    // Whoever opens it has to know it before it is open.
    queueMicrotask(() => {
      if (this.#closed) return;
      events.onOpen();
      this.send(HEARTBEAT);
    });
  }

  /** Signals belong to WebRTC. */
  signal(): void {
    this.#end(new LinkError('bad-signal', 'a signal for a link that needs none', { fault: 'peer' }));
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#guarded(() => {
      this.#sender.send(frame, now);
      this.#pulse.sent(now, frame !== HEARTBEAT);
    });
  }

  receive(message: RelayMessage): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#guarded(() => {
      if (message.type === 'relay-taken') return this.#sender.taken(message.bytes, now);
      const { frame, tell } = this.#receiver.accept(message.bytes, message.last, now);
      if (tell > 0) this.#hand({ type: 'relay-taken', link: this.#link, bytes: tell });
      const heartbeat = frame !== undefined && isHeartbeat(frame);
      this.#pulse.heard(now, !heartbeat);
      if (frame !== undefined && !heartbeat) this.#events.onFrame(frame);
    });
  }

  stats(): Promise<LinkStats> {
    return Promise.resolve({ route: 'relay', rttMs: this.#sender.rttMs });
  }

  close(): void {
    this.#end(undefined);
  }

  #tick(): void {
    const action = this.#pulse.tick(performance.now());
    if (action.kind === 'beat') this.send(HEARTBEAT);
    if (action.kind === 'silent') this.#end(new LinkError('silent', `no word from the neighbour for ${Math.round(action.forMs)} ms`, { fault: 'timeout', fields: { forMs: action.forMs } }));
  }

  /** Bytes come in order and whole: what cannot be put together was sent like that. */
  #guarded(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#end(error instanceof LinkError ? error : new LinkError('bad-relay', `the neighbour sent what is no frame: ${String(error)}`, { fault: 'peer', cause: error }));
    }
  }

  #end(error: LinkError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#events.onClosed(error);
  }
}
