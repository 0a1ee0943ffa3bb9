import { MAX_BINDINGS, MAX_BINDINGS_PER_CLIENT } from './chain-limits.ts';
import { refuse } from './relayer-error.ts';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { AccountDeployment, ActionType } from './wire.ts';

/** A client may write felts longer than we did, with leading zeros, and keep its own order of fields. */
const MAX_GROWTH = 3;

/** What was built for a client to sign. */
export interface Built {
  readonly type: ActionType;
  readonly account: Felt;
  readonly calls: readonly ChainCall[];
  readonly deployment: AccountDeployment | undefined;
  readonly nonce: Felt;
  /** SNIP-12 hash of the typed data, and its length as JSON. */
  readonly hash: Felt;
  readonly characters: number;
  /** Time bounds in seconds of chain time, exclusive. */
  readonly after: number;
  readonly before: number;
  /** Who asked for it, as one address block. */
  readonly client: string;
  /** Milliseconds of our clock after which it is not executed any more. */
  readonly expires: number;
  /** What the back end wants back at execution. */
  readonly own: unknown;
}

interface Entry {
  readonly built: Built;
  state: 'built' | 'executing' | 'executed';
  transaction: Felt | undefined;
}

/** One execution of a build under way. */
export interface Execution {
  readonly built: Built;
  /** It was sent; a repeat is told so. */
  executed(transaction: Felt): void;
  /** It was not sent; the same signed payload may come again. */
  failed(): void;
}

/** Ties each execution to what was built here: by nonce, to one typed-data hash, once (SPEC Y3). */
export class Bindings {
  readonly #now: () => number;
  readonly #entries = new Map<Felt, Entry>();
  readonly #waiting = new Map<string, number>();

  constructor({ now }: { readonly now: () => number }) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Throws `queue-full` when too many wait for their signature. */
  add(built: Built): void {
    this.#forgetExpired();
    const waiting = this.#waiting.get(built.client) ?? 0;
    if (waiting >= MAX_BINDINGS_PER_CLIENT) throw refuse('queue-full', `${waiting} builds of one client wait for their signature; execute them, or wait until they are over`);
    if (this.#entries.size >= MAX_BINDINGS) throw refuse('queue-full', `${this.#entries.size} builds wait here; try again in a minute`);
    this.#entries.set(built.nonce, { built, state: 'built', transaction: undefined });
    this.#waiting.set(built.client, waiting + 1);
  }

  /**
   * Begins the one execution of a build. What came back is hashed only if a build of this account waits under its nonce and it is not much longer than
   * that: a hash takes a millisecond a felt, and a body has room for thousands.
   */
  begin(nonce: Felt, account: Felt, back: { readonly characters: number; readonly hash: () => Felt }): Execution {
    const entry = this.#entries.get(nonce);
    if (entry === undefined) throw refuse('not-built', `nonce ${nonce} was not built here, or its time is over, or the relayer was started again; build the transaction again`);
    const { built } = entry;
    if (built.account !== account || back.characters > built.characters * MAX_GROWTH || built.hash !== back.hash()) {
      throw refuse('payload-swapped', 'the typed data is not what was built for this account and nonce; sign what buildTransaction gave, unchanged');
    }
    if (entry.state === 'executed') throw refuse('already-executed', `this payload was executed in transaction ${entry.transaction ?? 'unknown'}; build again for another action`, { transaction: entry.transaction });
    if (entry.state === 'executing') throw refuse('already-executed', 'this payload is being executed by an earlier request; wait for that one');
    if (built.expires <= this.#now()) throw refuse('invalid-time-bounds', 'the time to execute this build is over; build it again and sign at once');
    entry.state = 'executing';
    return {
      built,
      executed: (transaction) => {
        entry.state = 'executed';
        entry.transaction = transaction;
        this.#countDown(built.client);
      },
      failed: () => {
        entry.state = 'built';
      },
    };
  }

  /** Entries stand nearly in the order of their expiry. */
  #forgetExpired(): void {
    for (const [nonce, { built, state }] of this.#entries) {
      if (built.expires > this.#now()) return;
      if (state === 'executing') continue;
      this.#entries.delete(nonce);
      if (state === 'built') this.#countDown(built.client);
    }
  }

  #countDown(client: string): void {
    const waiting = (this.#waiting.get(client) ?? 1) - 1;
    if (waiting > 0) this.#waiting.set(client, waiting);
    else this.#waiting.delete(client);
  }
}
