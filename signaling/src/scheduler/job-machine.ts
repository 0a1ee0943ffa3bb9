import { positionsOf } from '@ciro/core/job/plan.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { JobEvidence } from './job-evidence.ts';
import { SchedulerError } from './scheduler-error.ts';
import { RingWatch } from './ring-watch.ts';
import { COLLECT_LAPS, COLLECT_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_PER_POSITION_MS, PREPARE_TIMEOUT_MS, TOKEN_TIMEOUT_MS } from './scheduler-limits.ts';
import type { AuditMessage, WeightsMessage, WorkMessage } from '../sessions/worker.ts';
import type { Rejection } from './job-evidence.ts';
import type { JobRecord } from './job-order.ts';

/** Messages about one job until its record is made; those about its audits go to the audit desk. */
export type JobMessage = Exclude<WorkMessage, { type: 'shards' | 'signal' | 'link' } | AuditMessage | WeightsMessage>;
type Reason = JobRecord['finish'];

export type JobOutput =
  | { readonly type: 'send'; readonly to: NodeId; readonly message: CoordinatorMessage }
  | { readonly type: 'token'; readonly position: number; readonly id: number }
  /** No token follows; units, acknowledgements and roots are being collected. `lost`: why it moved. */
  | { readonly type: 'finished'; readonly reason: Reason; readonly lost?: SchedulerError }
  /** It was asked and did not answer: its connection is worth nothing, whatever the transport says (SPEC G3). */
  | { readonly type: 'silent'; readonly worker: NodeId }
  /** All is there, or time is up: the record can be built. */
  | { readonly type: 'collected' }
  | { readonly type: 'failed'; readonly error: SchedulerError }
  | ({ readonly type: 'rejected'; readonly from: NodeId } & Rejection);

type State =
  | { readonly at: 'preparing'; readonly waiting: Set<NodeId>; readonly deadline: number }
  | { readonly at: 'running'; readonly deadline: number }
  | { readonly at: 'collecting'; readonly reason: Reason; readonly deadline: number }
  | { readonly at: 'idle' };

/** A link is said to be gone; who is at its other end may be gone, too, and is asked before the job ends for it. */
interface LinkDoubt {
  readonly stage: number;
  readonly what: string;
}

/** Faults that a stage finds in what the stage before it sent: one of the two is not to be relied on, and nobody knows which (SPEC G9). */
const NEIGHBOUR_FAULTS: ReadonlySet<string> = new Set(['bad-frame', 'bad-id', 'bad-values', 'flooded', 'inbox-full', 'not-started', 'past-the-end', 'stale-cache', 'wrong-acceptance', 'wrong-shape']);

/** Code of a stage that does not keep what the plan begins with: nobody's fault (SPEC V3). */
const PREFIX_GONE = 'prefix-gone';

/** Code of a stage that cannot reach its neighbour: often the first to say that it went, and not to blame. */
const NO_LINK = 'no-link';

export interface JobMachineInput {
  readonly signed: SignedPlan;
  readonly planHash: HexHash;
  /** Prompt ids as little-endian uint32. */
  readonly promptIds: Uint8Array<ArrayBuffer>;
  /** An id at or above this is no token of the model. */
  readonly vocabulary: number;
  /** A stage that is lost after the first id ends the job as `moved`, and another one goes on (SPEC G2); else it fails. */
  readonly goesOn: boolean;
  /** Time after `finish` for evidence, COLLECT_TIMEOUT_MS when absent. */
  readonly collectMs?: number;
}

/**
 * One job from signed plan to collected evidence: idle → preparing → running → collecting → idle. Sans-I/O: each call takes the time
 * and returns what is to be done; `deadline` says when `tick` is due. Whatever does not belong is rejected and changes nothing.
 */
export class JobMachine {
  readonly input: JobMachineInput;
  readonly evidence: JobEvidence;
  /** Ids in order: generated[i] follows position promptTokens - 1 + i. */
  readonly generated: number[] = [];
  /** Ids sampled beyond a stop, which units may cover although nobody is given them. */
  readonly surplus: number[] = [];
  readonly #lost = new Set<NodeId>();
  #state: State = { at: 'idle' };
  #watch: RingWatch;
  #doubt: LinkDoubt | undefined;
  #firstTokenAt = 0;
  #lastTokenAt = 0;
  #begunAt = 0;

  constructor(input: JobMachineInput) {
    this.input = input;
    this.evidence = new JobEvidence(input.signed.plan, input.planHash);
    this.#watch = new RingWatch(this.#workers, 0);
  }

  /** When `tick` is due, in milliseconds; undefined when nothing is waited for. */
  get deadline(): number | undefined {
    if (this.#state.at === 'idle') return undefined;
    return this.#state.at === 'collecting' ? this.#state.deadline : Math.min(this.#state.deadline, this.#watch.deadline);
  }

  /** Positions that count: units are paid up to here, and `finish` names it. */
  get acceptedTo(): number {
    // The last sampled id is never fed back. Without a token nothing is accepted: half a prefill is no answer.
    return this.generated.length === 0 ? 0 : this.#plan.promptTokens + this.generated.length - 1;
  }

  /** Milliseconds from `begin` to the first token, and tokens a second after it. */
  get pace(): { readonly ttftMs: number; readonly tokensPerSecond: number } {
    const rest = this.#lastTokenAt - this.#firstTokenAt;
    return { ttftMs: this.#firstTokenAt - this.#begunAt, tokensPerSecond: rest > 0 ? ((this.generated.length - 1) * 1000) / rest : 0 };
  }

  /** Sends the plan to every stage; the first one gets the prompt ids with it. */
  begin(now: number): JobOutput[] {
    this.#begunAt = now;
    this.#watch = new RingWatch(this.#workers, now);
    this.#state = { at: 'preparing', waiting: new Set(this.#workers), deadline: now + PREPARE_TIMEOUT_MS };
    const { signed, promptIds } = this.input;
    return this.#workers.map((to, stage): JobOutput => ({ type: 'send', to, message: { type: 'plan', signed, stage, promptIds: stage === 0 ? promptIds : null } }));
  }

  /** A message of any worker; what is not this worker's to say is rejected. */
  handle(from: NodeId, message: JobMessage, now: number): JobOutput[] {
    if (this.#state.at === 'idle') return [];
    const stage = this.#workers.indexOf(from);
    // Of an earlier plan of this job something may still be under way.
    if (this.#isOfEarlierPlan(stage, message)) return [];
    if (stage < 0) return [this.#rejected(from, 'foreign-job', `${message.type} for a job in which this worker has no stage`)];
    if ('version' in message && message.version !== this.#plan.version) return [this.#rejected(from, 'other-version', `${message.type} for plan version ${message.version}; it is ${this.#plan.version}`)];
    switch (message.type) {
      case 'prepared':
        return this.#prepared(from, now);
      case 'alive':
        if (!this.#watch.alive(from, now) || this.#doubt === undefined || this.#state.at === 'collecting') return [];
        return this.#fail('link-lost', this.#doubt.stage, this.#doubt.what, now);
      case 'stage-refused':
        if (this.#state.at !== 'preparing') return [];
        if (message.code === NO_LINK) return this.#doubtLink(stage, `refused the plan: ${message.message}`, now);
        return this.#fail(message.code === PREFIX_GONE ? PREFIX_GONE : 'stage-refused', stage, `refused the plan: ${message.code}: ${message.message}`, now);
      case 'fault':
        if (this.#state.at === 'collecting') return [];
        if (message.code === NO_LINK) return this.#doubtLink(stage, `failed: ${message.message}`, now);
        return this.#fail('fault', stage, `failed: ${message.code}: ${message.message}`, now, NEIGHBOUR_FAULTS.has(message.code) ? this.#workers.at(stage - 1) : undefined);
      case 'token':
        return this.#token(from, stage, message.position, message.id, now);
      case 'unit':
        return this.#collected(from, this.evidence.unit(stage, message));
      case 'acknowledge':
        return this.#collected(from, this.evidence.acknowledge(stage, message.acknowledgement));
      case 'disagree':
        return this.#collected(from, this.evidence.disagree(stage, message));
      case 'root':
        return this.#collected(from, this.evidence.root(stage, message));
    }
  }

  /** A worker is gone: while the answer is being made that ends the job, afterwards its evidence is no longer waited for. */
  lost(worker: NodeId, reason: string, now: number): JobOutput[] {
    const stage = this.#workers.indexOf(worker);
    if (stage < 0 || this.#state.at === 'idle') return [];
    this.#lost.add(worker);
    if (this.#state.at === 'collecting') return this.#settle();
    return this.#fail('worker-lost', stage, `left: ${reason}`, now);
  }

  /** Two neighbours cannot reach each other any more: no row passes, so the job ends once it is known whether both are there. */
  linkLost(a: NodeId, b: NodeId, now: number): JobOutput[] {
    const [one, other] = [this.#workers.indexOf(a), this.#workers.indexOf(b)];
    if (one < 0 || other < 0 || this.#state.at === 'idle' || this.#state.at === 'collecting') return [];
    return this.#doubtLink(one, `lost its link to stage ${other}`, now);
  }

  /** Ends the job at the last token seen; without one it fails as `cancelled`. */
  stop(reason: 'stop' | 'cancelled', now: number): JobOutput[] {
    if (this.#state.at === 'idle' || this.#state.at === 'collecting') return [];
    if (this.generated.length > 0) return this.#finish(reason, now);
    return this.#failWith(new SchedulerError('cancelled', `job ${this.#plan.job} was cancelled before its first token`, { fault: 'abort', fields: { job: this.#plan.job } }));
  }

  /** Time has come to `deadline` or past it. */
  tick(now: number): JobOutput[] {
    const state = this.#state;
    if (state.at === 'idle') return [];
    if (now < state.deadline) return state.at === 'collecting' ? [] : this.#ask(now);
    if (state.at === 'collecting') return this.#over();
    if (state.at === 'preparing') {
      const late = [...state.waiting].map((worker) => this.#workers.indexOf(worker));
      return this.#fail('prepare-timeout', late[0] ?? 0, `was not prepared within ${PREPARE_TIMEOUT_MS / 1000} s${late.length > 1 ? `, nor were ${late.length - 1} others` : ''}`, now);
    }
    const after = this.generated.length === 0 ? 'the start' : `token ${this.generated.length}`;
    return this.#fail('stalled', this.#workers.length - 1, `gave no token in time after ${after}`, now);
  }

  /** Nothing came for a while: asks everybody, and tells of those that did not answer. */
  #ask(now: number): JobOutput[] {
    const doubt = this.#watch.tick(now);
    if (doubt === undefined) return [];
    return 'silent' in doubt ? doubt.silent.map((worker) => ({ type: 'silent', worker })) : this.#probe(doubt.probe);
  }

  #doubtLink(stage: number, what: string, now: number): JobOutput[] {
    this.#doubt ??= { stage, what };
    return this.#probe(this.#watch.ask(now));
  }

  #probe(workers: readonly NodeId[]): JobOutput[] {
    const { job, version } = this.#plan;
    return workers.map((to) => ({ type: 'send', to, message: { type: 'probe', job, version } }));
  }

  /** Units and roots name their plan, most other messages its version; an acknowledgement names neither. */
  #isOfEarlierPlan(stage: number, message: JobMessage): boolean {
    const { version } = this.#plan;
    if (version === 1) return false;
    if ('version' in message) return message.version < version;
    if (message.type === 'acknowledge') return stage < 0;
    return (message.type === 'root' ? message.planHash : message.receipt.body.planHash) !== this.input.planHash;
  }

  get #plan(): SignedPlan['plan'] {
    return this.input.signed.plan;
  }

  get #workers(): NodeId[] {
    return this.#plan.stages.map((stage) => stage.worker);
  }

  #prepared(from: NodeId, now: number): JobOutput[] {
    const state = this.#state;
    if (state.at !== 'preparing' || !state.waiting.delete(from) || state.waiting.size > 0) return [];
    const { job, version, promptTokens } = this.#plan;
    this.#state = { at: 'running', deadline: now + FIRST_TOKEN_TIMEOUT_MS + promptTokens * FIRST_TOKEN_TIMEOUT_PER_POSITION_MS };
    return [{ type: 'send', to: this.#workers[0] as NodeId, message: { type: 'start', job, version } }];
  }

  #token(from: NodeId, stage: number, position: number, id: number, now: number): JobOutput[] {
    const { promptTokens, stages, stopIds, maxTokens } = this.#plan;
    if (stage !== stages.length - 1) return [this.#rejected(from, 'not-the-last-stage', `stage ${stage} sampled nothing; stage ${stages.length - 1} does`)];
    const next = promptTokens - 1 + this.generated.length + this.surplus.length;
    if (position !== next || position >= positionsOf(this.#plan)) return [this.#rejected(from, 'wrong-position', `a token for position ${position}; the next is ${next}`)];
    if (this.#state.at === 'collecting') {
      this.surplus.push(id);
      return [];
    }
    if (this.#state.at !== 'running') return [this.#rejected(from, 'not-started', 'a token before the start')];
    if (id >= this.input.vocabulary) return this.#fail('fault', stage, `sampled id ${id} of a vocabulary of ${this.input.vocabulary}`, now);
    this.generated.push(id);
    this.#lastTokenAt = now;
    this.#watch.lapped(now);
    this.#doubt = undefined;
    if (this.generated.length === 1) this.#firstTokenAt = now;
    this.#state = { at: 'running', deadline: now + TOKEN_TIMEOUT_MS };
    const token: JobOutput = { type: 'token', position, id };
    if (stopIds.includes(id)) return [token, ...this.#finish('stop', now)];
    return this.generated.length >= maxTokens ? [token, ...this.#finish('length', now)] : [token];
  }

  #collected(from: NodeId, rejection: Rejection | undefined): JobOutput[] {
    if (rejection !== undefined) return [{ type: 'rejected', from, ...rejection }];
    return this.#settle();
  }

  #settle(): JobOutput[] {
    return this.#state.at === 'collecting' && this.evidence.complete(this.acceptedTo, this.#lost) ? this.#over() : [];
  }

  #over(): JobOutput[] {
    this.#state = { at: 'idle' };
    return [{ type: 'collected' }];
  }

  #finish(reason: Reason, now: number, lost?: SchedulerError): JobOutput[] {
    this.#state = { at: 'collecting', reason, deadline: now + Math.max(this.input.collectMs ?? COLLECT_TIMEOUT_MS, COLLECT_LAPS * this.#watch.lapMs) };
    return [...this.#finishMessages(reason), { type: 'finished', reason, ...(lost && { lost }) }];
  }

  #finishMessages(reason: Reason): JobOutput[] {
    const { job, version } = this.#plan;
    return this.#workers.filter((to) => !this.#lost.has(to)).map((to): JobOutput => ({ type: 'send', to, message: { type: 'finish', job, version, acceptedTo: this.acceptedTo, reason } }));
  }

  /** Ends the job without its answer; with the ids so far as `moved`, where that is possible. */
  #fail(code: SchedulerError['code'], stage: number, what: string, now: number, neighbour?: NodeId): JobOutput[] {
    const worker = this.#workers[stage];
    const { job } = this.#plan;
    const sent = neighbour === undefined || neighbour === worker ? '' : ` (by what worker ${neighbour} sent)`;
    const message = `job ${job}: stage ${stage} (worker ${worker}) ${what.slice(0, 300)}${sent}; ask again, other workers will be taken if this one is gone`;
    const error = new SchedulerError(code, message, { fault: code === 'stalled' || code === 'prepare-timeout' ? 'timeout' : 'platform', fields: { job, worker, stage, ...(sent === '' ? {} : { neighbour }) } });
    return this.input.goesOn && this.generated.length > 0 ? this.#finish('moved', now, error) : this.#failWith(error);
  }

  #failWith(error: SchedulerError): JobOutput[] {
    this.#state = { at: 'idle' };
    return [...this.#finishMessages(error.code === 'cancelled' ? 'cancelled' : 'failed'), { type: 'failed', error }];
  }

  #rejected(from: NodeId, code: string, message: string): JobOutput {
    return { type: 'rejected', from, offence: 'not-yours', code, message };
  }
}
