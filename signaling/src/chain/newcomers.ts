import { WORK_SLOT_S, workBits } from '@ciro/core/sponsorship/work.ts';
import { refuse } from './relayer-error.ts';
import type { Felt } from './felt.ts';
import type { Policy } from './policy.ts';
import type { Admission, Tickets } from './tickets.ts';

/** What a client shows for an account that is not deployed: HTTP headers, because SNIP-29 has no field for it. */
export interface Credentials {
  /** `x-ciro-ticket` */
  readonly ticket?: string;
  /** `x-ciro-work`: `SLOT.COUNTER` */
  readonly work?: string;
}

const WORK = /^([0-9]{1,10})\.([0-9]{1,15})$/;

/** Who may have an account deployed: tickets of the coordinator and proofs of work (SPEC Y1, Y2). */
export class Newcomers {
  readonly #rules: Policy['newAccounts'];
  readonly #tickets: Tickets;
  readonly #chainId: Felt;
  readonly #now: () => number;
  /** Proofs that were used, by the slot they are of. */
  readonly #used = new Map<number, Set<string>>();

  constructor(rules: Policy['newAccounts'], { tickets, chainId, now }: { readonly tickets: Tickets; readonly chainId: Felt; readonly now: () => number }) {
    this.#rules = rules;
    this.#tickets = tickets;
    this.#chainId = chainId;
    this.#now = now;
  }

  get slot(): number {
    return Math.floor(this.#now() / 1000 / WORK_SLOT_S);
  }

  /** Throws `ticket-needed`, saying what would be taken. Uses nothing up yet. */
  check({ ticket, work }: Credentials, account: Felt): Admission {
    const { tickets, workBits: bits } = this.#rules;
    if (ticket !== undefined && tickets) return this.#tickets.check(ticket, account);
    if (work !== undefined && bits !== null) return this.#checkWork(work, account, bits);
    throw refuse('ticket-needed', `account ${account} is not deployed; ${this.#wanted(account)}`, { workBits: bits, slot: this.slot });
  }

  #checkWork(work: string, account: Felt, bits: number): Admission {
    const [, slotText, counterText] = WORK.exec(work) ?? [];
    const slot = Number(slotText);
    if (slotText === undefined || (slot !== this.slot && slot !== this.slot - 1)) throw refuse('ticket-needed', `the proof of work is not of the last two slots; ${this.#wanted(account)}`, { slot: this.slot });
    const has = workBits({ chainId: this.#chainId, account, slot }, Number(counterText));
    if (has < bits) throw refuse('ticket-needed', `the proof of work has ${has} bits; ${this.#wanted(account)}`, { workBits: bits, slot: this.slot });
    const proof = `${account}.${Number(counterText)}`;
    const refuseUsed = (): void => {
      if (this.#used.get(slot)?.has(proof) === true) throw refuse('ticket-needed', `the proof of work was used; ${this.#wanted(account)}`, { slot: this.slot });
    };
    refuseUsed();
    return {
      use: () => {
        refuseUsed();
        for (const old of this.#used.keys()) if (old < this.slot - 1) this.#used.delete(old);
        const used = this.#used.get(slot) ?? new Set();
        this.#used.set(slot, used.add(proof));
        return () => void used.delete(proof);
      },
    };
  }

  #wanted(account: Felt): string {
    const { tickets, workBits: bits } = this.#rules;
    const ways = [
      ...(tickets ? ['the header x-ciro-ticket with a ticket of this coordinator for it'] : []),
      ...(bits === null ? [] : [`the header x-ciro-work: ${this.slot}.COUNTER with ${bits} bits of work for ${account}`]),
    ];
    return ways.length === 0 ? 'new accounts are not sponsored here: deploy it from its own STRK' : `send ${ways.join(', or ')}`;
  }
}
