import SimplePeer from 'simple-peer/simplepeer.min.js';
import { LINK_HEARTBEAT_MS, LINK_LOW_WATER_BYTES } from '@ciro/core/protocol/limits.ts';
import { SliceAssembler } from '@ciro/core/protocol/slices.ts';
import { FrameSender } from './frame-sender.ts';
import { HEARTBEAT, isHeartbeat } from './heartbeat.ts';
import { hideAddresses } from './hide-addresses.ts';
import { LinkError } from './link-error.ts';
import { LinkPulse } from './link-pulse.ts';
import { parseLinkSignal } from './link-signal.ts';
import { linkStatsOf } from './link-stats.ts';
import { ProbeLoss } from './probe-loss.ts';
import { LINK_OPEN_TIMEOUT_MS } from './transport-limits.ts';
import type { Link, LinkEvents, LinkSetup, LinkStats } from './link.ts';

/** True where this browser can open links at all. */
export const linksSupported = (): boolean => SimplePeer.WEBRTC_SUPPORT;

/** Opens a link over WebRTC: candidates are trickled, the data channel is ordered and reliable (OpenLink). */
export const openPeerLink = (setup: LinkSetup, events: LinkEvents): Link => new PeerLink(setup, events);

class PeerLink implements Link {
  readonly #peer: SimplePeer;
  readonly #events: LinkEvents;
  readonly #sender: FrameSender;
  readonly #assembler = new SliceAssembler();
  readonly #loss = new ProbeLoss();
  readonly #openTimer: ReturnType<typeof setTimeout>;
  #pulse: LinkPulse | undefined;
  #pulseTimer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(setup: LinkSetup, events: LinkEvents) {
    this.#events = events;
    const iceServers = setup.iceServers.map(({ urls, username, credential }) => ({ urls, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) }));
    const peer = new SimplePeer({ initiator: setup.initiator, trickle: true, config: { iceServers, iceTransportPolicy: setup.relayOnly ? 'relay' : 'all' } });
    this.#peer = peer;
    this.#sender = new FrameSender({
      get bufferedBytes() {
        return peer.bufferSize;
      },
      send: (slice) => peer.send(slice),
    });
    peer.on('signal', (signal) => this.#signalled(JSON.stringify(signal), setup.relayOnly));
    peer.on('connect', () => this.#opened());
    peer.on('data', (chunk) => this.#heard(chunk));
    peer.on('error', (error) => this.#end(closedByOther(error) ? undefined : failureOf(error, this.#pulse !== undefined)));
    peer.on('close', () => this.#end(undefined));
    this.#openTimer = setTimeout(() => {
      this.#end(new LinkError('open-timeout', `no route to the neighbour within ${LINK_OPEN_TIMEOUT_MS} ms; the coordinator relays instead`, { fault: 'timeout' }));
    }, LINK_OPEN_TIMEOUT_MS);
  }

  signal(payload: string): void {
    if (this.#closed) return;
    try {
      this.#peer.signal(parseLinkSignal(payload));
    } catch (error) {
      this.#end(error instanceof LinkError ? error : new LinkError('bad-signal', `the browser refused the signal: ${String(error)}`, { fault: 'peer', cause: error }));
    }
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#sender.send(frame);
      this.#pulse?.sent(performance.now(), frame !== HEARTBEAT);
    } catch (error) {
      this.#end(error instanceof LinkError ? error : new LinkError('channel-failed', `the data channel took no more: ${String(error)}`, { fault: 'platform', cause: error }));
    }
  }

  async stats(): Promise<LinkStats> {
    const report = await this.#peer._pc?.getStats();
    const entries: object[] = [];
    report?.forEach((entry: object) => entries.push(entry));
    const { route, rttMs, probes } = linkStatsOf(entries);
    return { route, rttMs, loss: probes === undefined ? undefined : this.#loss.add(probes, performance.now()) };
  }

  close(): void {
    this.#end(undefined);
  }

  /** The browser was told to look for no other routes; what would tell an address is held back all the same. */
  #signalled(payload: string, relayOnly: boolean): void {
    if (!relayOnly) return this.#events.onSignal(payload);
    const hidden = hideAddresses(parseLinkSignal(payload));
    if (hidden !== undefined) this.#events.onSignal(JSON.stringify(hidden));
  }

  #opened(): void {
    clearTimeout(this.#openTimer);
    const channel = this.#peer._channel;
    if (channel === null || this.#closed) return;
    channel.bufferedAmountLowThreshold = LINK_LOW_WATER_BYTES;
    channel.addEventListener('bufferedamountlow', () => this.#drained());
    this.#pulse = new LinkPulse(performance.now());
    this.#pulseTimer = setInterval(() => this.#tick(), LINK_HEARTBEAT_MS);
    this.#events.onOpen();
  }

  #drained(): void {
    try {
      this.#sender.drained();
    } catch (error) {
      this.#end(new LinkError('channel-failed', `the data channel took no more: ${String(error)}`, { fault: 'platform', cause: error }));
    }
  }

  #tick(): void {
    const action = this.#pulse?.tick(performance.now());
    if (action?.kind === 'beat') this.send(HEARTBEAT);
    if (action?.kind === 'silent') this.#end(new LinkError('silent', `no word from the neighbour for ${Math.round(action.forMs)} ms`, { fault: 'timeout', fields: { forMs: action.forMs } }));
  }

  #heard(chunk: Uint8Array | string): void {
    if (this.#closed) return;
    try {
      const frame = typeof chunk === 'string' ? undefined : this.#assembler.accept(chunk);
      if (typeof chunk === 'string') throw new LinkError('bad-slice', `text of ${chunk.length} characters where only bytes belong`, { fault: 'peer' });
      const heartbeat = frame !== undefined && isHeartbeat(frame);
      this.#pulse?.heard(performance.now(), !heartbeat);
      if (frame !== undefined && !heartbeat) this.#events.onFrame(frame);
    } catch (error) {
      // The channel is ordered and reliable: what cannot be put together was sent like that, and the next slice would not help.
      this.#end(error instanceof LinkError ? error : new LinkError('bad-slice', `the neighbour sent what is no frame: ${String(error)}`, { fault: 'peer', cause: error }));
    }
  }

  #end(error: LinkError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#openTimer);
    clearInterval(this.#pulseTimer);
    this.#peer.destroy();
    this.#events.onClosed(error);
  }
}

/** SCTP cause 12 is a user-initiated abort (RFC 4960 3.3.10.12): the neighbour closed on purpose, which is no failure. */
const closedByOther = (error: Error): boolean => 'sctpCauseCode' in error && error.sctpCauseCode === 12;

/** simple-peer's errors in our words. After opening, a lost connection is told apart from one that was never there. */
function failureOf(error: Error & { code?: string }, wasOpen: boolean): LinkError {
  const code = error.code === 'ERR_ICE_CONNECTION_FAILURE' || error.code === 'ERR_CONNECTION_FAILURE' ? 'ice-failed' : error.code === 'ERR_SET_REMOTE_DESCRIPTION' || error.code === 'ERR_ADD_ICE_CANDIDATE' ? 'bad-signal' : 'channel-failed';
  return new LinkError(code, `${wasOpen ? 'the link broke' : 'the link did not open'}: ${error.message}`, { fault: 'platform', cause: error });
}
