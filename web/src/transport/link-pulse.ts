import { LINK_HEARTBEAT_MS, LINK_SILENT_MS } from '@ciro/core/protocol/limits.ts';
import { LATE_TICK_MS, LINK_IDLE_AFTER_MS, LINK_IDLE_SILENT_MS } from './transport-limits.ts';

/** What the owner of a pulse has to do at a tick. */
export type PulseAction = { readonly kind: 'nothing' } | { readonly kind: 'beat' } | { readonly kind: 'silent'; readonly forMs: number };

/**
 * Decides when to send a heartbeat and when a neighbour counts as dead. Pure: times come in as milliseconds of one
 * monotonic clock. A heartbeat is due when nothing else was sent for LINK_HEARTBEAT_MS. Silence is judged by
 * LINK_SILENT_MS while data flows, by LINK_IDLE_SILENT_MS while none does, and never at a tick that came late.
 */
export class LinkPulse {
  #sentAt: number;
  #heardAt: number;
  #dataAt: number;
  #tickAt: number;

  constructor(now: number) {
    this.#sentAt = now;
    this.#heardAt = now;
    this.#dataAt = now - LINK_IDLE_AFTER_MS;
    this.#tickAt = now;
  }

  /** Something left; `data` when it was a frame of work and not a heartbeat. */
  sent(now: number, data: boolean): void {
    this.#sentAt = now;
    if (data) this.#dataAt = now;
  }

  /** Something came. */
  heard(now: number, data: boolean): void {
    this.#heardAt = now;
    if (data) this.#dataAt = now;
  }

  tick(now: number): PulseAction {
    const late = now - this.#tickAt > LATE_TICK_MS;
    this.#tickAt = now;
    const silentMs = now - this.#heardAt;
    // As it was when the neighbour was last heard: its own silence makes no link idle.
    const limit = this.#heardAt - this.#dataAt < LINK_IDLE_AFTER_MS ? LINK_SILENT_MS : LINK_IDLE_SILENT_MS;
    if (silentMs > limit && !late) return { kind: 'silent', forMs: silentMs };
    return now - this.#sentAt >= LINK_HEARTBEAT_MS ? { kind: 'beat' } : { kind: 'nothing' };
  }
}
