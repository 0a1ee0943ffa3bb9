import { CiroError } from '@ciro/core/errors.ts';
import { creditsFrom } from '@ciro/core/settlement/rate.ts';
import { checkEscrow } from './check-escrow.ts';
import { EscrowError } from './escrow-error.ts';
import { bookDeferred } from './escrow-money.ts';
import { EscrowSettler } from './escrow-settler.ts';
import { SentSteps } from './sent-steps.ts';
import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { AuditMoney } from '../audit/ports.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../sessions/clock.ts';
import type { EscrowClaim, EscrowTerms, EscrowWanted } from './check-escrow.ts';
import type { Escrow, EscrowEvent, EscrowStore, JobManagerPort } from './ports.ts';

/** Between two looks at the chain: a block of Starknet takes some seconds. */
export const LOOK_EVERY_MS = 5_000;
/** `start_job` is in a block within ten seconds; a gas spike may keep it out for longer. The client waits so long. */
const START_WAIT_MS = 60_000;
const START_POLL_MS = 250;
/** What waits to be booked, read at a time. */
const DUE_AT_A_TIME = 100;
/** An answer that still runs so long before its deadline is ended, in seconds: roots, audits and a transaction have to be over by then. */
export const LAST_SUBMIT_S = 120;

export interface EscrowDeskDependencies {
  readonly clock: Clock;
  readonly chain: JobManagerPort;
  readonly store: EscrowStore;
  readonly ledger: Pick<Ledger, 'escrowed' | 'escrow' | 'escrowSettled' | 'escrowRefunded' | 'openHolds'>;
  readonly archive: Pick<JobArchive, 'find' | 'correctionOf' | 'continuationOf'>;
  /** Books at once, and tells workers. */
  readonly money: AuditMoney;
  readonly onEvent: (event: EscrowEvent) => void;
  /** Hears of a look that failed; the next one tries again. */
  readonly onError: (error: unknown, escrow?: EscrowId) => void;
}

/**
 * Serves requests that a contract pays for (SPEC N3 to N7). Everything it knows is in the store, the ledger and the chain, so it may end between
 * any two steps and begin again; only which answers are under way it is told by intake.
 */
export class EscrowDesk {
  readonly #deps: EscrowDeskDependencies;
  readonly #terms: EscrowTerms;
  readonly #lookEveryMs: number;
  readonly #settler: EscrowSettler;
  readonly #steps: SentSteps;
  /** Answers under way, with what ends them. */
  readonly #live = new Map<EscrowId, () => void>();
  #look: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(deps: EscrowDeskDependencies, { lookEveryMs = LOOK_EVERY_MS, ...terms }: EscrowTerms & { readonly lookEveryMs?: number }) {
    this.#deps = deps;
    this.#terms = terms;
    this.#lookEveryMs = lookEveryMs;
    this.#steps = new SentSteps(deps);
    this.#settler = new EscrowSettler({ ...deps, steps: this.#steps }, terms);
  }

  /** Checks an escrow and starts it on the chain; its budget is booked then and may be held. Throws EscrowError. */
  async take(claim: EscrowClaim, job: JobId, wanted: EscrowWanted): Promise<void> {
    const { escrow: id } = claim;
    const { store, clock } = this.#deps;
    await this.#refuseTaken(id);
    const found = await this.#asked(checkEscrow(this.#deps.chain, claim, wanted, this.#terms));
    const escrow: Escrow = { id, job, acceptedAt: clock.now(), state: 'accepted', budget: found.budget, deadline: found.deadline, result: null, sent: {} };
    if (!(await store.add(escrow))) await this.#refuseTaken(id);
    this.#live.set(id, () => undefined);
    try {
      await this.#start(escrow);
    } catch (error) {
      // The next looks find out what became of it, and give back what was begun.
      this.#live.delete(id);
      throw error;
    }
  }

  /** An answer that an escrow pays for is under way; `end` is called when its time is over. */
  runs(id: EscrowId, end: () => void): void {
    this.#live.set(id, end);
  }

  /** Nothing of it is under way any more: its result is submitted at the next look. */
  over(id: EscrowId): void {
    this.#live.delete(id);
  }

  /** Looks now, and again and again. */
  start(): void {
    this.#look = this.step().finally(() => {
      if (!this.#closed) this.#cancel = this.#deps.clock.after(this.#lookEveryMs, () => this.start());
    });
  }

  /** Looks no more; resolves when the look under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#look;
  }

  /** One look at every escrow that is not final; what fails of one keeps no other from anything. */
  async step(): Promise<void> {
    const { store, onError } = this.#deps;
    try {
      for (const escrow of await store.open()) {
        if (this.#closed) return;
        await this.#lookAt(escrow).catch((error: unknown) => onError(error, escrow.id));
      }
      await this.#bookDue();
    } catch (error) {
      onError(error);
    }
  }

  async #lookAt(escrow: Escrow): Promise<void> {
    const end = this.#live.get(escrow.id);
    if (end === undefined) return this.#settler.lookAt(escrow);
    if ((await this.#steps.time()) > escrow.deadline - LAST_SUBMIT_S) end();
  }

  async #start(escrow: Escrow): Promise<void> {
    const { id, job, budget } = escrow;
    const { chain, ledger, store, onEvent } = this.#deps;
    onEvent({ type: 'accepted', escrow: id, job });
    await this.#asked(this.#steps.send(escrow, 'start', () => chain.startJob(id)));
    await this.#asked(this.#untilRunning(id));
    await ledger.escrowed(id, creditsFrom(budget, this.#terms.rate));
    await store.change(id, { state: 'started' });
    onEvent({ type: 'started', escrow: id, job });
  }

  async #untilRunning(id: EscrowId): Promise<void> {
    const { chain, clock, store } = this.#deps;
    for (const until = clock.now() + START_WAIT_MS; clock.now() < until; ) {
      const { state } = await chain.job(id, 'newest');
      if (state === 'running') return;
      const sent = (await store.find(id))?.sent.start;
      const receipt = sent === undefined ? undefined : await chain.receipt(sent.transaction);
      if (receipt?.state === 'reverted') throw notStarted(id, `the contract refused: ${receipt.reason}`);
      if (state !== 'open' && state !== 'unknown') throw notStarted(id, `it is ${state} meanwhile`);
      await new Promise<void>((resolve) => clock.after(START_POLL_MS, resolve));
    }
    throw notStarted(id, `its transaction is in no block after ${START_WAIT_MS / 1000} s`);
  }

  async #refuseTaken(id: EscrowId): Promise<void> {
    const taken = await this.#deps.store.find(id);
    if (taken === undefined) return;
    throw new EscrowError('escrow_taken', `escrow ${id} pays for job ${taken.job} here already (${taken.state}); read that one (GET /v1/jobs/${taken.job}), or create another escrow`, { fault: 'user', fields: { escrow: id, job: taken.job, state: taken.state } });
  }

  /** What the chain was asked while a client waits: what it does not answer is not the client's fault. */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      if (cause instanceof EscrowError) throw cause;
      const reason = cause instanceof CiroError ? cause.message : String(cause);
      throw new EscrowError('escrow_node_silent', `the chain could not be asked about this escrow (${reason}); what was begun is given back, ask again in a minute`, { fault: 'platform', fields: { retryAfterMs: 60_000 }, cause });
    }
  }

  async #bookDue(): Promise<void> {
    const { store, money } = this.#deps;
    for (;;) {
      const due = await store.due(DUE_AT_A_TIME);
      for (const { escrow, deferred } of due) {
        await bookDeferred(money, escrow, deferred);
        await store.done(escrow.id, deferred);
      }
      if (due.length < DUE_AT_A_TIME) return;
    }
  }
}

const notStarted = (escrow: EscrowId, why: string): EscrowError => new EscrowError('escrow_not_started', `escrow ${escrow} could not be started: ${why}; nothing was answered, and what was begun is given back`, { fault: 'platform', fields: { escrow } });
