import { CiroError } from '@ciro/core/errors.ts';
import { prefixJobs } from '../evidence/prefix-jobs.ts';
import { AnswerText } from './answer-text.ts';
import { correctionOf, faultOf, MAX_CORRECTIONS } from './correction.ts';
import { IntakeError } from './intake-error.ts';
import { cancelled, stopping } from './run-order.ts';
import { PartsBroken, runParts } from './run-parts.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AnswerLog } from './answer-log.ts';
import type { ChatRequest } from './chat-request.ts';
import type { Fault } from './correction.ts';
import type { JobFaults } from './job-faults.ts';
import type { JobStatusEvent } from './job-feed.ts';
import type { AnswerProgress, Restart } from './kept-answer.ts';
import type { Audits, ChatModel, StageOutcome } from './ports.ts';
import type { RequesterNonces } from './requester-nonces.ts';
import type { RanOrder, RunDependencies, RunEnd, RunListener } from './run-order.ts';
import type { Part, Parts, PartsToRun } from './run-parts.ts';

export interface AssuredDependencies extends RunDependencies {
  readonly audits: Audits;
  readonly nonces: RequesterNonces;
  readonly faults: JobFaults;
  readonly newJob: () => JobId;
  readonly now: () => number;
}

/** What one request carries with it. */
export interface Asked {
  readonly request: Pick<ChatRequest, 'assurance' | 'stop'>;
  readonly tokenizer: ChatModel['tokenizer'];
  readonly account: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly events: AnswerLog;
  /** The client does not want it any more. */
  readonly cancel: AbortSignal;
  /** The coordinator stops. */
  readonly stopping: AbortSignal;
  /** How far it is, for the next coordinator; undefined when nobody goes on with it then (SPEC G8). */
  readonly progress?: AnswerProgress;
}

/** A part that does not stand its audits. */
interface FoundFault {
  readonly part: Part;
  readonly fault: Fault;
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
  /** Parts of an answer that broke off. */
  readonly #unpaid: Part[] = [];
  #promptTokens = 0;
  #cachedTokens = 0;

  constructor(dependencies: AssuredDependencies, asked: Asked) {
    this.#dependencies = dependencies;
    this.#asked = asked;
  }

  /** Carries an order whose price is held to the end; never throws: the reader of the events hears what went wrong. `left`: by a coordinator that ended. */
  async run(order: JobOrder, left?: Pick<Restart, 'before' | 'given'>): Promise<void> {
    const { events } = this.#asked;
    const { feeds, nonces } = this.#dependencies;
    try {
      await this.#carry(order, left);
      events.end();
    } catch (thrown) {
      const error = this.#endedByUs(thrown) ? stopping() : thrown;
      events.end(error);
      const failure = error instanceof CiroError ? { code: error.code, message: error.message } : { code: 'internal', message: 'an error in the coordinator; ask for the evidence later' };
      // Feeds that ended well or were told of their failure take nothing more.
      for (const job of this.#jobs) feeds.push(job, { type: 'failed', ...failure });
      await this.#payBack().catch((cause: unknown) => this.#dependencies.onError(cause, order.job));
    } finally {
      nonces.forget(order.job);
    }
  }

  /** Called off because the coordinator ends, and not by the client: who asks again may be answered. */
  #endedByUs(thrown: unknown): boolean {
    const { cancel, stopping: stop } = this.#asked;
    return stop.aborted && !cancel.aborted && thrown instanceof CiroError && thrown.code === 'cancelled';
  }

  async #carry(first: JobOrder, left: Pick<Restart, 'before' | 'given'> | undefined): Promise<void> {
    this.#promptTokens = (left?.before[0]?.order ?? first).promptIds.length;
    let answer = await this.#answer(first, left);
    /** Ids drawn there and later are new to a client that has seen nothing in between. */
    let changedFrom: number | undefined;
    for (let corrections = 0; ; corrections++) {
      const found = await this.#firstFault(answer);
      if (found === undefined) break;
      const next = await this.#tryAgain(answer, found, corrections);
      if (next === undefined) return this.#tell({ type: 'settled' });
      answer = next;
      changedFrom ??= answer[0].order.promptIds.length - 1;
      if (!this.#checked) await this.#tellCorrected(answer, answer[0].order.promptIds.length - 1);
    }
    if (this.#checked) await this.#release(answer, changedFrom);
    this.#tell({ type: 'settled' });
  }

  /** Gives out a `checked` answer whose every stage is decided. */
  async #release(answer: Parts, changedFrom: number | undefined): Promise<void> {
    const { events } = this.#asked;
    const { order, ran } = lastOf(answer);
    const { record, text } = await ran;
    const { finish, tokenIds } = record;
    if (finish !== 'stop' && finish !== 'length') return events.end(cancelled(order.job));
    if (changedFrom !== undefined) await this.#tellCorrected(answer, changedFrom);
    if (text !== '') events.push({ type: 'text', text });
    events.push({ type: 'end', finish, completionTokens: order.promptIds.length + tokenIds.length - this.#promptTokens, ...(changedFrom === undefined ? {} : { correctedBy: answer[0].order.job }) });
  }

  get #checked(): boolean {
    return this.#asked.request.assurance === 'checked';
  }

  /** Runs what was asked. In a stream the client hears it live, and need not wait for the record: roots may take seconds. */
  #answer(order: JobOrder, left: Pick<Restart, 'before' | 'given'> | undefined): Promise<Parts> {
    const { cancel, events, progress, stopping: stop } = this.#asked;
    const live = !this.#checked;
    const { text, before } = this.#textUpTo(order);
    if (live && before !== '') events.push({ type: 'text', text: before });
    return this.#run(order, null, { text, before, ...(progress === undefined ? { signal: AbortSignal.any([cancel, stop]) } : { signal: cancel, abandon: stop }), ...(left && { left: { parts: left.before, given: left.given } }) }, {
      queued: (ahead) => events.push({ type: 'queued', ahead }),
      started: (cachedTokens) => {
        this.#cachedTokens = cachedTokens;
        events.push({ type: 'started' });
      },
      drew: (id) => progress?.drew(id),
      ...(live ? { text: (text: string) => events.push({ type: 'text', text }) } : {}),
      finished: ({ reason, ids }) => {
        if (reason !== 'stop' && reason !== 'length') events.end(stop.aborted ? stopping() : cancelled(order.job));
        else if (live) {
          events.push({ type: 'end', finish: reason, completionTokens: ids.length, ...(this.#cachedTokens > 0 && { cachedTokens: this.#cachedTokens }) });
          events.end();
        }
      },
    });
  }

  /** The first part that does not stand its audits; what the others drew from its ids costs nothing either. */
  async #firstFault(answer: Parts): Promise<FoundFault | undefined> {
    for (const [index, part] of answer.entries()) {
      const fault = await part.fault;
      if (fault === undefined) continue;
      for (const { order, fault: own } of answer.slice(index + 1)) {
        await own;
        await this.#dependencies.ledger.failed(order.job, []);
      }
      return { part, fault };
    }
    return undefined;
  }

  /** Audits a recorded job; gives what is wrong with it. Throws `stopping` when the coordinator does not wait for the end. */
  #audit(order: JobOrder, ran: RanOrder): Promise<Fault | undefined> {
    const fault = this.#look(order, ran);
    this.#dependencies.faults.expect(order.job, fault);
    return fault;
  }

  async #look({ job }: JobOrder, { record, createdAt }: RanOrder): Promise<Fault | undefined> {
    const { archive, audits, faults, feeds, ledger, nonces } = this.#dependencies;
    const { request, stopping: stop } = this.#asked;
    const told = new Set<number>();
    const onStage = (stage: number, status: StageOutcome): void => {
      if (!told.has(stage)) feeds.push(job, { type: 'audited', stage, status });
      told.add(stage);
    };
    const { plan } = record.signed;
    const prefix = plan.prefix === undefined ? undefined : await prefixJobs(plan, archive);
    const deciding = audits.consider({ record, assurance: request.assurance, createdAt, ...(prefix && { prefix }), onStage });
    nonces.auditing(job);
    feeds.push(job, { type: 'recorded', roots: record.stages.map(({ root }) => root?.root ?? null) });
    const outcome = await untilAborted(deciding, stop).catch((error: unknown) => this.#undecided(job, error));
    outcome.stages.forEach(({ status }, stage) => onStage(stage, status));
    const basis = plan.prefix !== undefined && (await untilAborted(faults.failed(plan.prefix.job), stop));
    const fault = faultOf(record, outcome, request.assurance) ?? (basis ? UNSOUND_BASIS : undefined);
    await archive.decided(job);
    // Nobody pays for an answer that is wrong or not given out; booked already where a stage was convicted.
    if (fault === undefined) return undefined;
    this.#dependencies.runner.forget(job);
    await ledger.failed(job, []);
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
  async #tryAgain(answer: Parts, found: FoundFault, corrections: number): Promise<Parts | undefined> {
    const { cancel } = this.#asked;
    const { order, ran } = lastOf(answer);
    const { finish } = (await ran).record;
    // One that moved and nobody goes on with was called off in between.
    const gone = finish === 'cancelled' || finish === 'moved' || (this.#checked && cancel.aborted);
    try {
      if (gone) throw cancelled(order.job);
      if (corrections === MAX_CORRECTIONS) throw new IntakeError('answer_unverified', `it was done again ${MAX_CORRECTIONS} times already`, { fault: 'platform' });
      return await this.#doAgain(found);
    } catch (error) {
      if (!(error instanceof CiroError) || this.#asked.stopping.aborted) throw error;
      const [first = order.job] = this.#jobs;
      const given = unverified(first, `${found.fault.workers.length} of its stages did not stand their audit, and it could not be done again (${error.message})`, error);
      this.#tell({ type: 'uncorrected', code: error.code, message: given.message });
      await this.#payBack();
      if (this.#checked && !gone) this.#asked.events.end(given);
      return undefined;
    }
  }

  /** A new order at the rates of the first quote, held and run like any other; its own audit follows. */
  async #doAgain({ part: { order, ran }, fault }: FoundFault): Promise<Parts> {
    const { ledger, newJob } = this.#dependencies;
    const { account, cancel, stopping: stop } = this.#asked;
    const again = correctionOf(order, (await ran).record, fault, newJob());
    await ledger.hold(again.job, account, BigInt(again.quote.hold), { escrow: again.escrow, like: order.job });
    const { text, before } = this.#textUpTo(again);
    // Who streams has its answer and left; who waits may hang up.
    const signal = this.#checked ? AbortSignal.any([cancel, stop]) : stop;
    return this.#run(again, order.job, { text, before, signal }, {});
  }

  /** Runs an order and what goes on with it; of an answer that the client called off while it moved, what there is. */
  async #run(order: JobOrder, corrects: JobId | null, how: Omit<PartsToRun, 'opened'>, listener: RunListener): Promise<Parts> {
    const { account, createdAt, events, request, stopping: stop } = this.#asked;
    const opened = { account, modelId: order.modelId, createdAt: corrects === null ? createdAt : this.#dependencies.now(), assurance: request.assurance, corrects };
    const dependencies = { ...this.#dependencies, decide: (each: JobOrder, ran: RanOrder) => this.#audit(each, ran), begins: (each: JobOrder, moved: RunEnd | undefined) => this.#begins(each, moved) };
    try {
      return await runParts(dependencies, order, { ...how, opened }, listener);
    } catch (error) {
      if (!(error instanceof PartsBroken)) throw error;
      // The next start pays back what a coordinator that stops leaves broken off.
      if (stop.aborted) throw error.cause;
      const [first, ...more] = error.parts;
      if (how.signal.aborted && first !== undefined) {
        events.end(cancelled(order.job));
        return [first, ...more];
      }
      this.#unpaid.push(...error.parts);
      throw error.cause;
    }
  }

  #begins({ job, promptIds }: JobOrder, moved: RunEnd | undefined): void {
    if (moved !== undefined) {
      if (!this.#checked) this.#asked.events.push({ type: 'moving' });
      const { code = 'worker-lost', message = 'a stage was lost' } = moved.lost ?? {};
      this.#tell({ type: 'moved', job, from_position: promptIds.length - 1, code: code.replaceAll('-', '_'), message });
    }
    this.#jobs.push(job);
    this.#asked.progress?.began(job);
  }

  /** Of an answer that could not go on nothing is paid (SPEC M9). */
  async #payBack(): Promise<void> {
    for (const { order, ran } of this.#unpaid.splice(0)) {
      await ran;
      await this.#dependencies.ledger.failed(order.job, []);
    }
  }

  /** The text of the ids in an order's prompt that belong to the answer, and what decodes those after them. */
  #textUpTo({ promptIds }: JobOrder): { readonly text: AnswerText; readonly before: string } {
    const { tokenizer, request } = this.#asked;
    const text = new AnswerText(tokenizer.detokenizer(), request.stop);
    return { text, before: [...promptIds.subarray(this.#promptTokens)].map((id) => text.push(id)).join('') };
  }

  /** The jobs that were corrected, not those that correct them. */
  async #tellCorrected(answer: Parts, from: number): Promise<void> {
    const { text } = await lastOf(answer).ran;
    const [{ order: first }] = answer;
    for (const job of this.#jobs) {
      if (!answer.some(({ order }) => order.job === job)) this.#dependencies.feeds.push(job, { type: 'corrected', job: first.job, from_position: from, text });
    }
  }

  #tell(event: JobStatusEvent): void {
    for (const job of this.#jobs) this.#dependencies.feeds.push(job, event);
  }
}

/** It stands on rows of a job that failed its audits: all of it is done again, and nobody who computed it is passed over (SPEC V8). */
const UNSOUND_BASIS: Fault = { firstBadPosition: 0, workers: [] };

const lastOf = (answer: Parts): Part => answer.at(-1) ?? answer[0];

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
