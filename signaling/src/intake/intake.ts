import { randomBytes, randomInt } from 'node:crypto';
import { AnswerQueue } from './answer-queue.ts';
import { AssuredAnswer } from './assured-answer.ts';
import { parseChatRequest } from './chat-request.ts';
import { modelOf, orderOf } from './order-of.ts';
import { RequesterNonces } from './requester-nonces.ts';
import { stopping } from './run-order.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Answer } from './answer.ts';
import type { Audits, ChatModels } from './ports.ts';
import type { RunDependencies } from './run-order.ts';

const JOB_ID_BYTES = 16;
const SEEDS = 2 ** 32;

export interface IntakeDependencies extends RunDependencies {
  readonly models: ChatModels;
  readonly audits: Audits;
}

/** Takes chat requests: template, ids, quote, hold, order; passes the answer on as text; settles, audits and corrects it. */
export class Intake {
  readonly #dependencies: IntakeDependencies;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  /** Requests being taken, and answers until they are decided or given up. */
  readonly #open = new Set<Promise<unknown>>();
  /** Nonces that requesters may open for their jobs' draws. */
  readonly nonces: RequesterNonces;

  constructor(dependencies: IntakeDependencies, options: { now: () => number }) {
    this.#dependencies = dependencies;
    this.#now = options.now;
    this.nonces = new RequesterNonces(dependencies.audits);
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
    const job = newJob();
    const order = orderOf(request, model, { job, account, randomSeed: randomInt(SEEDS) });
    const createdAt = this.#now();
    await ledger.hold(job, account, BigInt(order.quote.hold));
    this.nonces.expect(job, account, request.nonceCommitment);
    const cancel = new AbortController();
    const events = new AnswerQueue();
    const dependencies = { ...this.#dependencies, nonces: this.nonces, newJob, now: this.#now };
    const answer = new AssuredAnswer(dependencies, { request, tokenizer: model.tokenizer, account, createdAt, events, cancel: cancel.signal, stopping: this.#stopping.signal });
    void this.#track(answer.run(order));
    return { job, request, model: model.manifest.name, createdAt, promptTokens: order.promptIds.length, events, cancel: () => cancel.abort() };
  }

  /** Takes no more requests, cancels the answers under way and waits until every hold is closed; audits under way are left to the next start. */
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
}

const newJob = (): JobId => randomBytes(JOB_ID_BYTES).toString('hex') as JobId;
