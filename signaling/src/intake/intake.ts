import { randomBytes, randomInt } from 'node:crypto';
import { AnswerLog } from './answer-log.ts';
import { EscrowError } from '../escrow/escrow-error.ts';
import { escrowSpecOf } from '../escrow/escrow-spec-of.ts';
import { AssuredAnswer } from './assured-answer.ts';
import { isChat, wishOf } from './ask-request.ts';
import { JobFaults } from './job-faults.ts';
import { AnswerProgress } from './kept-answer.ts';
import { LiveAnswers } from './live-answers.ts';
import { refuseField } from './intake-error.ts';
import { modelOf, orderOf } from './order-of.ts';
import { RequesterNonces } from './requester-nonces.ts';
import { stopping } from './run-order.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Caller } from '../accounts/caller.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { Answer } from './answer.ts';
import type { KeptAnswers, KeptAsked, Restart } from './kept-answer.ts';
import type { AskRequest } from './ask-request.ts';
import type { Audits, ChatModel, ChatModels, Escrows } from './ports.ts';
import type { RunDependencies } from './run-order.ts';

const JOB_ID_BYTES = 16;
const SEEDS = 2 ** 32;

export interface IntakeDependencies extends RunDependencies {
  readonly models: ChatModels;
  readonly audits: Audits;
  readonly kept: KeptAnswers;
  /** Without one, requests that a contract is to pay for are refused. */
  readonly escrows?: Escrows;
}

/** Takes requests that a route has parsed (SPEC I1): template, ids, quote, hold, order; passes the answer on as text; settles, audits and corrects it. */
export class Intake {
  readonly #dependencies: IntakeDependencies;
  readonly #now: () => number;
  readonly #newJob: () => JobId;
  readonly #stopping = new AbortController();
  /** Requests being taken, and answers until they are decided or given up. */
  readonly #open = new Set<Promise<unknown>>();
  /** Answers that are being given and end with this coordinator. */
  readonly #answering = new Set<Promise<void>>();
  #draining = false;
  readonly #live = new LiveAnswers();
  readonly #faults = new JobFaults();
  /** Nonces that requesters may open for their jobs' draws. */
  readonly nonces: RequesterNonces;

  /** `newJob` gives a fresh id; random ones when absent. */
  constructor(dependencies: IntakeDependencies, options: { readonly now: () => number; readonly newJob?: () => JobId }) {
    this.#dependencies = dependencies;
    this.#now = options.now;
    this.#newJob = options.newJob ?? (() => newJob());
    this.nonces = new RequesterNonces(dependencies.audits);
  }

  /** Takes a parsed request of a caller who may ask; throws IntakeError, EscrowError, LedgerError `insufficient` and `key-budget`, or what the chat template refuses. */
  ask(request: AskRequest, caller: Caller): Promise<Answer> {
    return this.#track(this.#accept(request, caller));
  }

  /** Ends the answers that were asked by keys which open nothing any more (SPEC J4). */
  endOf(keys: readonly string[]): void {
    this.#live.endOf(keys);
  }

  /** An answer of this account by the job that was asked, while it is under way and for a while after. */
  answer(job: string, account: string): Answer | undefined {
    return this.#live.find(job, account);
  }

  /** Goes on with an answer whose coordinator ended (SPEC G8); one whose model is not served any more is given up. */
  async goOn({ kept, before, order, given }: Restart): Promise<void> {
    const { models, kept: store } = this.#dependencies;
    const { asked, jobs, ids } = kept;
    await store.restarted(asked.order.job);
    const model = models.get(asked.order.modelId);
    if (model === undefined) return this.#giveUp(asked.order.job, order.job);
    this.#run(asked, model, order, { restart: { before, given }, so: { jobs, ids } });
  }

  /** Takes no more requests; resolves when nothing is being answered that would end with this coordinator, at the latest when `signal` aborts (SPEC O4). */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (this.#answering.size > 0 && !signal.aborted) await Promise.race([Promise.all(this.#answering), late]);
  }

  /** Whether requests are refused because the coordinator is about to end. */
  get draining(): boolean {
    return this.#draining || this.#stopping.signal.aborted;
  }

  /** Answers that are being given and end with this coordinator. */
  get answering(): number {
    return this.#answering.size;
  }

  /** Takes no more requests, cancels the answers under way but for those that the next start goes on with, and waits until every other hold is closed; audits under way are left to the next start. */
  async close(): Promise<void> {
    this.#stopping.abort();
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  async #accept(whole: AskRequest, { account, key }: Caller): Promise<Answer> {
    const { models, ledger, kept } = this.#dependencies;
    if (this.draining) throw stopping();
    const request = wishOf(whole);
    const model = modelOf(whole, models);
    const order = orderOf(whole, model, { job: this.#newJob(), account, randomSeed: randomInt(SEEDS) });
    const asked = { account, key: key.id, createdAt: this.#now(), request, order };
    await this.#takeEscrow(whole, model, order);
    try {
      await ledger.hold(order.job, account, BigInt(order.quote.hold), { escrow: order.escrow, by: { key: key.id, ...key.budget } });
      if (request.keepGoing) await kept.begin(asked);
      return this.#run(asked, model, order);
    } catch (error) {
      if (order.escrow !== undefined) this.#dependencies.escrows?.over(order.escrow);
      throw error;
    }
  }

  async #takeEscrow(request: AskRequest, model: ChatModel, { job, quote }: JobOrder): Promise<void> {
    if (request.escrow === undefined) return;
    if (!isChat(request)) throw refuseField('unsupported_parameter', 'ciro.escrow', 'an escrow pays for a conversation only; use /v1/chat/completions');
    const { escrows } = this.#dependencies;
    if (escrows === undefined) throw new EscrowError('escrow_unsupported', 'this coordinator serves no escrows: it has no contract; leave ciro.escrow out, or use a coordinator that has one', { fault: 'user', fields: { param: 'ciro.escrow' } });
    await escrows.take(request.escrow, job, { spec: escrowSpecOf(request, model.id), file: model.manifest.file.sha256, hold: BigInt(quote.hold) });
  }

  #run(asked: KeptAsked, model: ChatModel, order: JobOrder, left?: { readonly restart: Pick<Restart, 'before' | 'given'>; readonly so: Pick<Restart['kept'], 'jobs' | 'ids'> }): Answer {
    const { kept, onError } = this.#dependencies;
    const { account, createdAt, request } = asked;
    const { job } = asked.order;
    this.nonces.expect(order.job, account, order.requesterNonce);
    const cancel = new AbortController();
    const events = new AnswerLog();
    const dependencies = { ...this.#dependencies, nonces: this.nonces, faults: this.#faults, newJob: this.#newJob, now: this.#now };
    const progress = request.keepGoing ? new AnswerProgress({ store: kept, now: this.#now, onError: (error) => onError(error, job) }, job, left?.so ?? { jobs: [], ids: [] }) : undefined;
    const carried = new AssuredAnswer(dependencies, { request, tokenizer: model.tokenizer, account, createdAt, events, cancel: cancel.signal, stopping: this.#stopping.signal, ...(progress && { progress }) });
    const answer = { job, request, model: model.manifest.name, createdAt, promptTokens: asked.order.promptIds.length, read: (signal: AbortSignal) => events.read(signal), cancel: () => cancel.abort() };
    this.#live.add(answer, { account, key: asked.key }, events);
    if (progress === undefined) this.#countUntilOver(events);
    if (order.escrow !== undefined) this.#dependencies.escrows?.runs(order.escrow, answer.cancel);
    void this.#track(carried.run(order, left?.restart).then(() => this.#over(order)));
    if (progress !== undefined) void this.#track(this.#forgetAfter(events, job, progress));
    return answer;
  }

  #countUntilOver({ over }: AnswerLog): void {
    this.#answering.add(over);
    void over.then(() => this.#answering.delete(over));
  }

  /** The next start finds out itself what a coordinator that stops leaves undecided. */
  #over({ escrow }: JobOrder): void {
    if (escrow !== undefined && !this.#stopping.signal.aborted) this.#dependencies.escrows?.over(escrow);
  }

  /** What its reader has been given to its end needs no other coordinator. */
  async #forgetAfter(events: AnswerLog, job: JobId, progress: AnswerProgress): Promise<void> {
    await events.over;
    await progress.idle();
    if (this.#stopping.signal.aborted) return; // the next start finds out how far it is
    await this.#dependencies.kept.end(job).catch((error: unknown) => this.#dependencies.onError(error, job));
  }

  async #giveUp(first: JobId, job: JobId): Promise<void> {
    const { archive, kept, ledger } = this.#dependencies;
    await archive.fail(job, { code: 'model_not_found', message: 'the model is not served any more, so the answer did not go on; nothing more was charged' });
    if ((await ledger.openHolds()).includes(job)) await ledger.release(job);
    await kept.end(first);
  }

  /** Counts something among what `close` waits for. */
  #track<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => void this.#open.delete(work);
    this.#open.add(work);
    work.then(forget, forget);
    return work;
  }
}

/** A fresh id, the first of whose digits may be given. */
export const newJob = (prefix = ''): JobId => (prefix + randomBytes(JOB_ID_BYTES).toString('hex').slice(prefix.length)) as JobId;
