import { CiroError } from '@ciro/core/errors.ts';
import { AnswerText } from './answer-text.ts';
import { correctionOf, faultOf, MAX_CORRECTIONS } from './correction.ts';
import { IntakeError } from './intake-error.ts';
import { cancelled, runOrder, stopping } from './run-order.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AnswerQueue } from './answer-queue.ts';
import type { ChatRequest } from './chat-request.ts';
import type { Fault } from './correction.ts';
import type { JobStatusEvent } from './job-feed.ts';
import type { Audits, ChatModel, StageOutcome } from './ports.ts';
import type { RequesterNonces } from './requester-nonces.ts';
import type { RanOrder, RunDependencies } from './run-order.ts';

export interface AssuredDependencies extends RunDependencies {
  readonly audits: Audits;
  readonly nonces: RequesterNonces;
  readonly newJob: () => JobId;
  readonly now: () => number;
}

/** What one request carries with it. */
export interface Asked {
  readonly request: ChatRequest;
  readonly tokenizer: ChatModel['tokenizer'];
  readonly account: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly events: AnswerQueue;
  /** The client is gone. */
  readonly cancel: AbortSignal;
  /** The coordinator stops. */
  readonly stopping: AbortSignal;
}

/** A job of the answer: the first one, or one that does it again. */
interface Attempt {
  readonly order: JobOrder;
  readonly ran: RanOrder;
}

/**
 * One answer, from its first order to its last correction (PROTOCOL 7). `stream` gives text out as it comes and tells of a
 * correction afterwards; `checked` gives nothing out before every stage of what it gives out is decided.
 */
export class AssuredAnswer {
  readonly #dependencies: AssuredDependencies;
  readonly #asked: Asked;
  /** Jobs so far, the one that was asked first. */
  readonly #jobs: JobId[] = [];
  #promptTokens = 0;

  constructor(dependencies: AssuredDependencies, asked: Asked) {
    this.#dependencies = dependencies;
    this.#asked = asked;
  }

  /** Carries an order whose price is held to the end; never throws: the reader of the events hears what went wrong. */
  async run(order: JobOrder): Promise<void> {
    const { events } = this.#asked;
    const { feeds, nonces } = this.#dependencies;
    try {
      await this.#carry(order);
      events.end();
    } catch (error) {
      events.end(error);
      const failure = error instanceof CiroError ? { code: error.code, message: error.message } : { code: 'internal', message: 'an error in the coordinator; ask for the evidence later' };
      // Feeds that ended well or were told of their failure take nothing more.
      for (const job of this.#jobs) feeds.push(job, { type: 'failed', ...failure });
    } finally {
      nonces.forget(order.job);
    }
  }

  async #carry(first: JobOrder): Promise<void> {
    this.#promptTokens = first.promptIds.length;
    let attempt: Attempt = { order: first, ran: await this.#answer(first) };
    /** Ids drawn there and later are new to a client that has seen nothing in between. */
    let changedFrom: number | undefined;
    for (let corrections = 0; ; corrections++) {
      const fault = await this.#audit(attempt);
      if (fault === undefined) break;
      const next = await this.#tryAgain(attempt, fault, corrections);
      if (next === undefined) return this.#tell({ type: 'settled' });
      attempt = next;
      changedFrom ??= attempt.order.promptIds.length - 1;
      if (!this.#checked) this.#tellCorrected(attempt, attempt.order.promptIds.length - 1);
    }
    if (this.#checked) this.#release(attempt, changedFrom);
    this.#tell({ type: 'settled' });
  }

  /** Gives out a `checked` answer whose every stage is decided. */
  #release(attempt: Attempt, changedFrom: number | undefined): void {
    const { events } = this.#asked;
    const { order, ran } = attempt;
    const { finish, tokenIds } = ran.record;
    if (finish !== 'stop' && finish !== 'length') return events.end(cancelled(order.job));
    if (changedFrom !== undefined) this.#tellCorrected(attempt, changedFrom);
    if (ran.text !== '') events.push({ type: 'text', text: ran.text });
    events.push({ type: 'end', finish, completionTokens: order.promptIds.length + tokenIds.length - this.#promptTokens, ...(changedFrom === undefined ? {} : { correctedBy: order.job }) });
  }

  get #checked(): boolean {
    return this.#asked.request.assurance === 'checked';
  }

  /** Runs what was asked. In a stream the client hears it live, and need not wait for the record: roots may take seconds. */
  #answer(order: JobOrder): Promise<RanOrder> {
    const { events, stopping: stop, cancel } = this.#asked;
    const live = !this.#checked;
    this.#jobs.push(order.job);
    return this.#run(order, null, { text: this.#text(), before: '', signal: AbortSignal.any([cancel, stop]) }, {
      queued: (ahead) => events.push({ type: 'queued', ahead }),
      started: () => events.push({ type: 'started' }),
      ...(live ? { text: (text: string) => events.push({ type: 'text', text }) } : {}),
      finished: (reason, completionTokens) => {
        if (reason !== 'stop' && reason !== 'length') events.end(stop.aborted ? stopping() : cancelled(order.job));
        else if (live) {
          events.push({ type: 'end', finish: reason, completionTokens });
          events.end();
        }
      },
    });
  }

  /** Audits a recorded job; gives what is wrong with it. Throws `stopping` when the coordinator does not wait for the end. */
  async #audit({ order: { job }, ran: { record, createdAt } }: Attempt): Promise<Fault | undefined> {
    const { archive, audits, feeds, ledger, nonces } = this.#dependencies;
    const { request, stopping: stop } = this.#asked;
    const told = new Set<number>();
    const onStage = (stage: number, status: StageOutcome): void => {
      if (!told.has(stage)) feeds.push(job, { type: 'audited', stage, status });
      told.add(stage);
    };
    const deciding = audits.consider({ record, assurance: request.assurance, createdAt, onStage });
    nonces.auditing(job);
    feeds.push(job, { type: 'recorded', roots: record.stages.map(({ root }) => root?.root ?? null) });
    const outcome = await untilAborted(deciding, stop).catch((error: unknown) => this.#undecided(job, error));
    outcome.stages.forEach(({ status }, stage) => onStage(stage, status));
    await archive.decided(job);
    const fault = faultOf(record, outcome, request.assurance);
    // Nobody pays for an answer that is wrong or not given out; booked already where a stage was convicted.
    if (fault !== undefined) await ledger.failed(job, []);
    return fault;
  }

  /** Audits that came to no end: the next start takes them up again, but a client that waits for them gets no answer. */
  async #undecided(job: JobId, error: unknown): Promise<never> {
    if (this.#asked.stopping.aborted) throw stopping();
    this.#dependencies.onError(error, job);
    if (!this.#checked) throw error;
    await this.#dependencies.ledger.failed(job, []);
    throw unverified(job, 'its stages could not be audited', error);
  }

  /** The answer once more, or undefined when there is none to be given; throws `answer_unverified` when the client still waits for it. */
  async #tryAgain(attempt: Attempt, fault: Fault, corrections: number): Promise<Attempt | undefined> {
    const { cancel } = this.#asked;
    const gone = attempt.ran.record.finish === 'cancelled' || (this.#checked && cancel.aborted);
    try {
      if (gone) throw cancelled(attempt.order.job);
      if (corrections === MAX_CORRECTIONS) throw new IntakeError('answer_unverified', `it was done again ${MAX_CORRECTIONS} times already`, { fault: 'platform' });
      return await this.#doAgain(attempt, fault);
    } catch (error) {
      if (!(error instanceof CiroError) || this.#asked.stopping.aborted) throw error;
      const [first = attempt.order.job] = this.#jobs;
      const given = unverified(first, `${fault.workers.length} of its stages did not stand their audit, and it could not be done again (${error.message})`, error);
      this.#tell({ type: 'uncorrected', code: error.code, message: given.message });
      if (this.#checked && !gone) this.#asked.events.end(given);
      return undefined;
    }
  }

  /** A new order at the rates of the first quote, held and run like any other; its own audit follows. */
  async #doAgain({ order, ran }: Attempt, fault: Fault): Promise<Attempt> {
    const { ledger, newJob } = this.#dependencies;
    const { account, cancel, stopping: stop } = this.#asked;
    const again = correctionOf(order, ran.record, fault, newJob());
    await ledger.hold(again.job, account, BigInt(again.quote.hold));
    const text = this.#text();
    const before = [...again.promptIds.subarray(this.#promptTokens)].map((id) => text.push(id)).join('');
    // Who streams has its answer and left; who waits may hang up.
    const signal = this.#checked ? AbortSignal.any([cancel, stop]) : stop;
    this.#jobs.push(again.job);
    return { order: again, ran: await this.#run(again, order.job, { text, before, signal }, {}) };
  }

  #run(order: JobOrder, corrects: JobId | null, { text, before, signal }: { readonly text: AnswerText; readonly before: string; readonly signal: AbortSignal }, listener: Parameters<typeof runOrder>[2]): Promise<RanOrder> {
    const { account, createdAt, request } = this.#asked;
    const opened = { job: order.job, account, modelId: order.modelId, createdAt: corrects === null ? createdAt : this.#dependencies.now(), assurance: request.assurance, corrects };
    return runOrder(this.#dependencies, { order, opened, text, before, signal }, listener);
  }

  #text(): AnswerText {
    const { tokenizer, request } = this.#asked;
    return new AnswerText(tokenizer.detokenizer(), request.stop);
  }

  /** The jobs that were corrected, not the one that corrects them. */
  #tellCorrected({ order, ran }: Attempt, from: number): void {
    for (const job of this.#jobs) {
      if (job !== order.job) this.#dependencies.feeds.push(job, { type: 'corrected', job: order.job, from_position: from, text: ran.text });
    }
  }

  #tell(event: JobStatusEvent): void {
    for (const job of this.#jobs) this.#dependencies.feeds.push(job, event);
  }
}

function unverified(job: JobId, why: string, cause: unknown): IntakeError {
  return new IntakeError('answer_unverified', `the answer of job ${job} is not verified: ${why}; it costs nothing, ask again later`, { fault: 'platform', cause, fields: { job } });
}

/** The promise's value, or the error of a coordinator that stops; what comes of the promise afterwards concerns nobody. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(stopping());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
