import { isIPv6 } from 'node:net';
import { TokenBucket } from '../sessions/token-bucket.ts';
import { EdgeError } from './openai-error.ts';

/** Address blocks remembered at a time: about 2 MB; the one asked for longest ago is forgotten first. */
const MAX_BLOCKS = 10_000;

export interface AddressLimit {
  /** Requests at once… */
  readonly burst: number;
  /** …and in the long run, one every so many milliseconds. */
  readonly everyMs: number;
}

/** Requests one address may make. Bounded: remembers so many addresses and no more. */
export class AddressLimits {
  readonly #limit: AddressLimit;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limit: AddressLimit, options: { now: () => number }) {
    this.#limit = limit;
    this.#now = options.now;
  }

  /** Counts one request; throws `rate_limit_exceeded` when the address has none left. */
  take(address: string): void {
    const { burst, everyMs } = this.#limit;
    const block = addressBlock(address);
    const bucket = this.#buckets.get(block) ?? new TokenBucket(burst, 1000 / everyMs, this.#now());
    this.#buckets.delete(block);
    this.#buckets.set(block, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_BLOCKS && oldest !== undefined) this.#buckets.delete(oldest);
    if (bucket.take(this.#now())) return;
    throw new EdgeError('rate_limit_exceeded', `more than ${burst} requests at once from one address; try again in ${Math.ceil(everyMs / 1000)} s`, { fault: 'user', fields: { retryAfterMs: everyMs } });
  }
}

/** What counts as one address: an IPv4 address, or the /64 that an IPv6 host can move within. */
export function addressBlock(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.toLowerCase().split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
