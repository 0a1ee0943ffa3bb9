import { randomBytes, randomInt } from 'node:crypto';
import { CiroError } from '@ciro/core/errors.ts';
import { AnswerQueue } from './answer-queue.ts';
import { AnswerText } from './answer-text.ts';
import { parseChatRequest } from './chat-request.ts';
import { IntakeError } from './intake-error.ts';
import { modelOf, orderOf } from './order-of.ts';
import { settleJob } from './settle-job.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobArchive } from '../evidence/job-archive.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { Answer } from './answer.ts';
import type { ChatModels, CreditNotices, JobRunner } from './ports.ts';

const JOB_ID_BYTES = 16;
const SEEDS = 2 ** 32;

export interface IntakeDependencies {
  readonly models: ChatModels;
  readonly ledger: Ledger;
  readonly archive: JobArchive;
  readonly runner: JobRunner;
  readonly notices: CreditNotices;
  /** Hears what failed after the client was answered: a charge that could not be booked is made up for at the next start. */
  readonly onError: (error: unknown, job: JobId) => void;
}

/** What one job under way carries with it. */
interface Run {
  readonly account: string;
  readonly createdAt: number;
  readonly events: AnswerQueue;
  readonly text: AnswerText;
  readonly signal: AbortSignal;
}

/** Takes chat requests: template, ids, quote, hold, order; passes the answer on as text; settles when the job is recorded. */
export class Intake {
  readonly #dependencies: IntakeDependencies;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  /** Requests being taken, and answers until they are settled or released. */
  readonly #open = new Set<Promise<unknown>>();

  constructor(dependencies: IntakeDependencies, options: { now: () => number }) {
    this.#dependencies = dependencies;
    this.#now = options.now;
  }

  /** Takes a request of an account; throws IntakeError, LedgerError `insufficient` or what the chat template refuses. */
  ask(body: unknown, account: string): Promise<Answer> {
    return this.#track(this.#accept(body, account));
  }

  async #accept(body: unknown, account: string): Promise<Answer> {
    const { models, ledger } = this.#dependencies;
    if (this.#stopping.signal.aborted) throw stopping();
    const request = parseChatRequest(body);
    const model = modelOf(request, models);
    const job = randomBytes(JOB_ID_BYTES).toString('hex') as JobId;
    const order = orderOf(request, model, { job, randomSeed: randomInt(SEEDS) });
    const createdAt = this.#now();
    await ledger.hold(job, account, BigInt(order.quote.hold));
    const cancel = new AbortController();
    const events = new AnswerQueue();
    const text = new AnswerText(model.tokenizer.detokenizer(), request.stop);
    const signal = AbortSignal.any([cancel.signal, this.#stopping.signal]);
    void this.#track(this.#run(order, { account, createdAt, events, text, signal }));
    return { job, request, model: model.manifest.name, createdAt, promptTokens: order.promptIds.length, events, cancel: () => cancel.abort() };
  }

  /** Takes no more requests, cancels the answers under way and waits until every hold is closed. */
  async close(): Promise<void> {
    this.#stopping.abort();
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  /** Counts something among what `close` waits for. */
  #track<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => void this.#open.delete(work);
    this.#open.add(work);
    work.then(forget, forget);
    return work;
  }

  /** Carries one job from its hold to its charge; never throws, the reader of `events` hears what went wrong. */
  async #run(order: JobOrder, run: Run): Promise<void> {
    const { job } = order;
    try {
      await this.#dependencies.archive.open({ job, account: run.account, modelId: order.modelId, createdAt: run.createdAt });
      await this.#follow(order, run);
    } catch (error) {
      run.events.end(error);
      await this.#fail(job, error).catch((cause: unknown) => this.#dependencies.onError(cause, job));
    }
  }

  /** Turns the job's events into the client's, and settles the job; throws when it ends without a record. */
  async #follow(order: JobOrder, { events, text, signal }: Run): Promise<void> {
    const { job } = order;
    let sent = '';
    let completionTokens = 0;
    const send = (piece: string): void => {
      sent += piece;
      if (piece !== '') events.push({ type: 'text', text: piece });
    };
    const handle = this.#dependencies.runner.run(order, signal);
    for await (const event of handle.events) {
      switch (event.type) {
        case 'queued':
          events.push(event);
          break;
        case 'assigned':
          events.push({ type: 'started' });
          break;
        case 'token':
          completionTokens++;
          send(text.push(event.id));
          if (text.stopped) handle.stop('stop');
          break;
        case 'finished':
          send(text.finish());
          // The client need not wait for the record: roots and acknowledgements may take seconds.
          if (event.reason === 'stop' || event.reason === 'length') {
            events.push({ type: 'end', finish: event.reason, completionTokens });
            events.end();
          } else events.end(this.#stopping.signal.aborted ? stopping() : cancelled(job));
          break;
        case 'recorded':
          // The record first: should the process end in between, the next start charges from it.
          await this.#dependencies.archive.record(job, event.record, sent);
          await settleJob(this.#dependencies, job, event.record);
          return;
      }
    }
    throw cancelled(job);
  }

  /** Gives the hold back, unless the job is recorded: then only its charge failed, and the next start makes it. */
  async #fail(job: JobId, error: unknown): Promise<void> {
    const { archive, ledger, onError } = this.#dependencies;
    const archived = await archive.find(job);
    if (archived?.state === 'recorded') {
      onError(error, job);
      return;
    }
    const known = error instanceof CiroError;
    if (!known) onError(error, job);
    await archive.fail(job, known ? { code: error.code, message: error.message } : { code: 'internal', message: 'an error in the coordinator; nothing was charged: ask again' });
    await ledger.release(job);
  }
}

function cancelled(job: JobId): IntakeError {
  return new IntakeError('cancelled', `job ${job} was cancelled before it was recorded; nothing was charged`, { fault: 'abort', fields: { job } });
}

function stopping(): IntakeError {
  return new IntakeError('stopping', 'the coordinator is stopping; ask again in a minute', { fault: 'platform', fields: { retryAfterMs: 60_000 } });
}
