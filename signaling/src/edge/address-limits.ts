import { addressBlock } from '../sessions/address-block.ts';
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
