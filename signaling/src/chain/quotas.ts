import { refuse } from './relayer-error.ts';
import { WindowCounter } from './window-counter.ts';
import type { Felt } from './felt.ts';
import type { Policy } from './policy.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What an action may cost, put aside before anything is signed. The first of the two calls counts, later ones do nothing. */
export interface Reservation {
  /** It was sent and cost `fri`, whether it reverted or not: the account's count stays. */
  settle(fri: bigint): void;
  /** It was never sent: as if it had not been asked for. */
  release(): void;
}

/** What was spent on a UTC day, kept over restarts so that a restart is no new day. */
export interface DaySpend {
  /** Days since 1970. */
  readonly day: number;
  readonly fri: bigint;
}

/** Counts actions of accounts and clients, and the day's STRK. Clients are counted whatever comes of their request; accounts only for what is sent. */
export class Quotas {
  readonly #policy: Policy;
  readonly #now: () => number;
  readonly #onSpent: ((spend: DaySpend) => void) | undefined;
  readonly #addresses: WindowCounter;
  readonly #actions: WindowCounter;
  readonly #builds: WindowCounter;
  #day = 0;
  #spent = 0n;
  #reserved = 0n;

  constructor(policy: Policy, { now, spent, onSpent }: { readonly now: () => number; readonly spent?: DaySpend; readonly onSpent?: (spend: DaySpend) => void }) {
    this.#policy = policy;
    this.#now = now;
    this.#onSpent = onSpent;
    this.#addresses = new WindowCounter(policy.actionsPerAddressPerDay, DAY_MS, { now });
    this.#actions = new WindowCounter(policy.actionsPerClientPerHour, HOUR_MS, { now });
    this.#builds = new WindowCounter(policy.buildsPerClientPerHour, HOUR_MS, { now });
    this.#turn();
    if (spent !== undefined && spent.day === this.#day) this.#spent = spent.fri;
  }

  /** Fri spent today, and put aside for what is under way. */
  get today(): { readonly spent: bigint; readonly reserved: bigint } {
    this.#turn();
    return { spent: this.#spent, reserved: this.#reserved };
  }

  takeBuild(client: string): void {
    this.#takeClient(this.#builds, client, this.#policy.buildsPerClientPerHour, 'builds');
  }

  takeAction(client: string): void {
    this.#takeClient(this.#actions, client, this.#policy.actionsPerClientPerHour, 'sponsored actions');
  }

  /** Throws when nothing would be sponsored for this account now, so that nobody signs in vain. */
  check(account: Felt): void {
    if (!this.#addresses.has(account)) throw this.#addressQuota(account);
    this.#checkDay(1n);
  }

  /** Puts `fri` aside and counts the action. Throws `address-quota` or `daily-stop`, and then nothing is counted. */
  reserve(account: Felt, fri: bigint): Reservation {
    this.#checkDay(fri);
    if (!this.#addresses.take(account)) throw this.#addressQuota(account);
    const { window } = this.#addresses;
    const day = this.#day;
    this.#reserved += fri;
    let open = true;
    const close = (): boolean => {
      if (!open) return false;
      open = false;
      this.#turn();
      // What was put aside yesterday is not part of today's sum.
      if (day === this.#day) this.#reserved -= fri;
      return true;
    };
    return {
      settle: (cost) => {
        if (close()) this.charge(cost);
      },
      release: () => {
        if (close()) this.#addresses.giveBack(account, window);
      },
    };
  }

  /** Counts what was paid for no action that went through: a transaction of several that reverted. */
  charge(fri: bigint): void {
    this.#turn();
    this.#spent += fri;
    this.#onSpent?.({ day: this.#day, fri: this.#spent });
  }

  #takeClient(counter: WindowCounter, client: string, limit: number, what: string): void {
    if (counter.take(client)) return;
    const retryAfterMs = counter.turnsInMs;
    throw refuse('client-quota', `more than ${limit} ${what} in an hour from one network address; try again in ${Math.ceil(retryAfterMs / 60_000)} min`, { limit, retryAfterMs });
  }

  #checkDay(fri: bigint): void {
    this.#turn();
    if (this.#spent + this.#reserved + fri <= this.#policy.strkPerDay) return;
    const retryAfterMs = DAY_MS - (this.#now() % DAY_MS);
    throw refuse('daily-stop', `the day's sponsoring is used up; try again in ${Math.ceil(retryAfterMs / HOUR_MS)} h, after midnight UTC, or pay from the account's own STRK`, { retryAfterMs });
  }

  #addressQuota(account: Felt): Error {
    const retryAfterMs = this.#addresses.turnsInMs;
    const limit = this.#policy.actionsPerAddressPerDay;
    return refuse('address-quota', `account ${account} had its ${limit} sponsored actions of today; try again in ${Math.ceil(retryAfterMs / HOUR_MS)} h, after midnight UTC`, { limit, retryAfterMs });
  }

  #turn(): void {
    const day = Math.floor(this.#now() / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#spent = 0n;
    this.#reserved = 0n;
  }
}
