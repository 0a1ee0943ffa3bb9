import { CONNECTION_BURST_PER_ADDRESS, CONNECTIONS_PER_SECOND_PER_ADDRESS, MAX_CONNECTIONS_PER_ADDRESS, MAX_REMEMBERED_ADDRESSES } from './session-limits.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Clock } from './clock.ts';

interface Address {
  open: number;
  readonly arrivals: TokenBucket;
}

/** Connections by network address: so many at a time, and so many new ones a second, because each costs a signature check. */
export class Admission {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #addresses = new Map<string, Address>();

  constructor(clock: Clock, maxPerAddress = MAX_CONNECTIONS_PER_ADDRESS) {
    this.#clock = clock;
    this.#most = maxPerAddress;
  }

  /** Counts a connection in; says in a sentence why it is one too many. `leave` is called for every one, refused or not. */
  enter(address: string): string | undefined {
    const now = this.#clock.now();
    const known = this.#addresses.get(address);
    const entry = known ?? { open: 0, arrivals: new TokenBucket(CONNECTION_BURST_PER_ADDRESS, CONNECTIONS_PER_SECOND_PER_ADDRESS, now) };
    // Kept in order of the last arrival, so that the oldest can be forgotten.
    this.#addresses.delete(address);
    this.#addresses.set(address, entry);
    this.#forget();
    entry.open++;
    if (entry.open > this.#most) return `${this.#most} connections come from this address already; close some tabs or try again later`;
    return entry.arrivals.take(now) ? undefined : `more than ${CONNECTION_BURST_PER_ADDRESS} connections at once or ${CONNECTIONS_PER_SECOND_PER_ADDRESS} a second from this address; try again in a minute`;
  }

  leave(address: string): void {
    const entry = this.#addresses.get(address);
    if (entry !== undefined) entry.open--;
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#addresses.size;
  }

  #forget(): void {
    if (this.#addresses.size <= MAX_REMEMBERED_ADDRESSES) return;
    for (const [address, { open }] of this.#addresses) {
      if (open > 0) continue;
      this.#addresses.delete(address);
      return;
    }
  }
}
