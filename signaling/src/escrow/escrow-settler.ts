import { resultRootOf } from '@ciro/core/settlement/escrow.ts';
import { tokensUp } from '@ciro/core/settlement/rate.ts';
import { answerJobs, rootsOf } from './answer-jobs.ts';
import { EscrowError } from './escrow-error.ts';
import type { EscrowDeskDependencies } from './escrow-desk.ts';
import type { EscrowTerms } from './check-escrow.ts';
import type { ChainJob, Escrow } from './ports.ts';
import type { SentSteps } from './sent-steps.ts';

/** After this time a `start_job` that nobody knows of is in no block and will be in none. */
const START_LANDS_MS = 600_000;

type Answered = Escrow & { readonly result: NonNullable<Escrow['result']> };

/** Brings escrows whose answer is over to their end, by comparing what is stored with what the contract has (SPEC N4, N6, N7). */
export class EscrowSettler {
  readonly #deps: Omit<EscrowDeskDependencies, 'money'> & { readonly steps: SentSteps };
  readonly #terms: Pick<EscrowTerms, 'rate'>;

  constructor(deps: Omit<EscrowDeskDependencies, 'money'> & { readonly steps: SentSteps }, terms: Pick<EscrowTerms, 'rate'>) {
    this.#deps = deps;
    this.#terms = terms;
  }

  /** One look at an escrow of which nothing runs. */
  async lookAt(escrow: Escrow): Promise<void> {
    const job = await this.#deps.chain.job(escrow.id, 'newest');
    if (escrow.state === 'accepted' && (await this.#neverBegan(escrow, job))) return;
    const answered = await this.#answered(escrow);
    if (answered !== undefined) await this.#follow(answered, job);
    else await this.#refundExpired(escrow, job);
  }

  /** Forgets an escrow that was not started; true while it may still be, too. */
  async #neverBegan(escrow: Escrow, { state }: ChainJob): Promise<boolean> {
    if (state !== 'open' && state !== 'cancelled' && state !== 'unknown') return false;
    const { chain, clock, ledger, store, onEvent } = this.#deps;
    // Booked, and then its block was taken back: it goes on.
    if ((await ledger.escrow(escrow.id)).budget > 0n) return false;
    const { start } = escrow.sent;
    const reverted = start !== undefined && (await chain.receipt(start.transaction)).state === 'reverted';
    if (!reverted && state === 'open' && clock.now() - escrow.acceptedAt < START_LANDS_MS) return true;
    await store.drop(escrow.id);
    onEvent({ type: 'dropped', escrow: escrow.id, job: escrow.job });
    return true;
  }

  /** What it used and the root of its result, stored once; undefined while a stage of it is not decided. */
  async #answered(escrow: Escrow): Promise<Answered | undefined> {
    if (escrow.result !== null) return { ...escrow, result: escrow.result };
    const { archive, ledger, store, onEvent } = this.#deps;
    const { id, job } = escrow;
    const jobs = await answerJobs(archive, job);
    const holds = await ledger.openHolds();
    if (jobs.some((each) => !each.decided || holds.includes(each.job)) || holds.includes(job)) return undefined;
    const { budget, left } = await ledger.escrow(id);
    const result = { root: resultRootOf(id, jobs.map(rootsOf)), used: tokensUp(budget - left, this.#terms.rate) };
    await store.change(id, { state: 'answered', result });
    onEvent({ type: 'answered', escrow: id, job, used: result.used });
    return { ...escrow, state: 'answered', result };
  }

  async #follow(escrow: Answered, job: ChainJob): Promise<void> {
    const { id, result } = escrow;
    const { chain, steps } = this.#deps;
    switch (job.state) {
      case 'unknown': // A reorganisation took its creation back, or the node is behind.
      case 'disputed': // The court's to decide.
        return;
      case 'open':
      case 'running':
        if ((await steps.time()) > job.deadline) return this.#refundExpired(escrow, job);
        return job.state === 'open' ? steps.send(escrow, 'start', () => chain.startJob(id)) : steps.send(escrow, 'submit', () => chain.submitResult(id, result.root, result.used));
      case 'submitted': {
        this.#mustAgree(escrow, job);
        const { disputeWindow } = await chain.times();
        if ((await steps.time()) >= job.since + disputeWindow) await steps.send(escrow, 'settle', () => chain.settleJob(id));
        return;
      }
      case 'settled':
        return this.#settled(escrow);
      case 'refunded':
      case 'cancelled':
        return this.#refunded(escrow, job);
    }
  }

  /** What could not be submitted in time goes back to its client without the client. */
  async #refundExpired(escrow: Escrow, job: ChainJob): Promise<void> {
    if (job.state === 'refunded' || job.state === 'cancelled') return this.#refunded(escrow, job);
    if (job.state !== 'open' && job.state !== 'running') return;
    const { chain, steps } = this.#deps;
    const { refundGrace } = await chain.times();
    if ((await steps.time()) >= job.deadline + refundGrace) await steps.send(escrow, 'refund', () => chain.refundExpired(escrow.id));
  }

  async #settled(escrow: Answered): Promise<void> {
    const { chain, ledger, store, onEvent } = this.#deps;
    const { id } = escrow;
    const job = await chain.job(id, 'settled');
    if (job.state !== 'settled') return; // not under enough blocks yet
    this.#mustAgree(escrow, job);
    const { budget, left, returned } = await ledger.escrow(id);
    // Else it was booked by a look that ended before it could say so.
    if (!returned && tokensUp(budget - left, this.#terms.rate) !== job.used) throw differs(escrow, `the ledger has used ${budget - left} base units of it and the contract ${job.used}`);
    await ledger.escrowSettled(id, left);
    await store.change(id, { state: 'settled' });
    onEvent({ type: 'settled', escrow: id, used: job.used, returned: job.budget - job.used });
  }

  async #refunded(escrow: Escrow, { state }: ChainJob): Promise<void> {
    const { archive, chain, ledger, store, onEvent, onError } = this.#deps;
    const { id } = escrow;
    const job = await chain.job(id, 'settled');
    if (job.state !== state) return; // not under enough blocks yet
    const { budget } = await ledger.escrow(id);
    const jobs = await answerJobs(archive, escrow.job);
    const returned = await ledger.escrowRefunded(id, jobs.map((each) => each.job));
    await store.change(id, { state: 'refunded' });
    onEvent({ type: 'refunded', escrow: id, returned: job.budget });
    if (returned !== budget) onError(differs(escrow, `${returned} of ${budget} base units could be taken back: fee account and pool are empty`), id);
  }

  #mustAgree(escrow: Answered, job: ChainJob): void {
    const { root, used } = escrow.result;
    if (job.resultRoot !== root || job.used !== used) throw differs(escrow, `the contract has result ${job.resultRoot} for ${job.used} base units, and it is ${root} for ${used} here`);
  }
}

const differs = ({ id, job }: Escrow, why: string): EscrowError => new EscrowError('escrow_differs', `escrow ${id} of job ${job}: ${why}; nothing more is booked for it, look at both`, { fault: 'platform', fields: { escrow: id, job } });
