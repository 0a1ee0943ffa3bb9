import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { TICKET_TTL_S } from './chain-limits.ts';
import { refuse } from './relayer-error.ts';
import type { Felt } from './felt.ts';

const DOMAIN = 'ciro/sponsor-ticket/1';
/** Shorter keys could be searched. Bytes. */
const MIN_KEY_BYTES = 32;
const TICKET = /^([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

/** Something that lets an account in which is not deployed yet, once. */
export interface Admission {
  /** Marks it as used; throws when it was used meanwhile. The returned function makes it usable again, for what was never sent. */
  use(): () => void;
}

/**
 * Tickets of the coordinator: HMAC-SHA-256 over chain, account, expiry and a random id (SPEC Y1). Issued to a connected worker for the account of
 * its identity; each is good for one action.
 */
export class Tickets {
  readonly #key: Uint8Array;
  readonly #chainId: Felt;
  readonly #now: () => number;
  /** Ids that were used, with their expiry in seconds; forgotten after it. */
  readonly #used = new Map<string, number>();

  /** `key`: at least 32 random bytes, kept by the coordinator. `now` in milliseconds. */
  constructor(key: Uint8Array, chainId: Felt, { now }: { readonly now: () => number }) {
    if (key.length < MIN_KEY_BYTES) throw refuse('bad-options', `the ticket key has ${key.length} bytes; give at least ${MIN_KEY_BYTES} random ones`);
    this.#key = Uint8Array.from(key);
    this.#chainId = chainId;
    this.#now = now;
  }

  /** A ticket for `account`: `EXPIRY.ID.MAC`, 110 characters at most. */
  issue(account: Felt): string {
    const expires = Math.floor(this.#now() / 1000) + TICKET_TTL_S;
    const id = randomBytes(16).toString('hex');
    return `${expires}.${id}.${this.#mac(account, expires, id).toString('hex')}`;
  }

  /** Throws `ticket-needed` on a ticket that is not ours, not this account's, over, or used. */
  check(ticket: string, account: Felt): Admission {
    const [, expiry, id = '', mac = ''] = TICKET.exec(ticket) ?? [];
    const expires = Number(expiry);
    if (expiry === undefined || !timingSafeEqual(Buffer.from(mac, 'hex'), this.#mac(account, expires, id))) {
      throw refuse('ticket-needed', 'the ticket is not one of this coordinator for this account; ask it for one while the worker is connected');
    }
    if (expires <= this.#now() / 1000) throw refuse('ticket-needed', 'the ticket is over; ask the coordinator for another one');
    const refuseUsed = (): void => {
      if (this.#used.has(id)) throw refuse('ticket-needed', 'the ticket was used; each is good for one action, ask the coordinator for another one');
    };
    refuseUsed();
    return {
      use: () => {
        refuseUsed();
        this.#forgetOld();
        this.#used.set(id, expires);
        return () => void this.#used.delete(id);
      },
    };
  }

  #mac(account: Felt, expires: number, id: string): Buffer {
    return createHmac('sha256', this.#key).update([DOMAIN, this.#chainId, account, expires, id].join('\0')).digest();
  }

  /** They were put in nearly in the order of their expiry, so the old ones stand first. */
  #forgetOld(): void {
    for (const [id, expires] of this.#used) {
      if (expires > this.#now() / 1000) return;
      this.#used.delete(id);
    }
  }
}
