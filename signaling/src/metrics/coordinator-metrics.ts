import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { NodeId } from '@ciro/core/ids.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { reusedPositions } from '@ciro/core/job/plan.ts';
import { seenEvents } from '../intake/seen-events.ts';
import { aboutLabel, failureCode, methodLabel, statusClass } from './known-labels.ts';
import { metricSet } from './metric-set.ts';
import { SHORT_ANSWER_TOKENS } from './objectives.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobStatusEvent } from '../intake/job-feed.ts';
import type { CreditNotices, JobRunner } from '../intake/ports.ts';
import type { JobEvent, JobHandle, JobRecord } from '../scheduler/job-order.ts';
import type { SchedulerTimes } from '../scheduler/scheduler-times.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { SettlementEvent } from '../settlement/ports.ts';
import type { MetricSet } from './metric-set.ts';

/** Epochs whose close is remembered: as many as wait for their payments at a time, and some. */
const MAX_EPOCHS = 32;
/** Jobs whose audits are timed at a time; of more the oldest is not. */
const MAX_AUDITED_JOBS = 10_000;

/** Counts and times what happens, by the ports that the rooms have anyway; nothing here can fail a job. */
export class CoordinatorMetrics {
  readonly set: MetricSet = metricSet();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #recordedAt = new Map<JobId, number>();
  readonly #closedAt = new Map<number, number>();
  #closedAtOfClaimable: number | undefined;

  #blamed: (worker: NodeId) => void = () => undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** For the scheduler; passes on to who listened before. */
  times(next?: SchedulerTimes): SchedulerTimes {
    return {
      decided: (what, ms) => {
        this.set.decisionSeconds.observe({ what }, ms / 1000);
        next?.decided(what, ms);
      },
      setUp: (ms, waitedMs) => {
        this.set.setupSeconds.observe(ms / 1000);
        this.set.waitSeconds.observe(waitedMs / 1000);
        next?.setUp(ms, waitedMs);
      },
    };
  }

  /** `listener` hears of each worker that a job failed or moved because of. */
  onBlame(listener: (worker: NodeId) => void): void {
    this.#blamed = listener;
  }

  /** The runner, with every order timed. */
  runner(runner: JobRunner): JobRunner {
    return {
      run: (order, signal) => {
        const handle = runner.run(order, signal);
        return { events: this.#timed(handle), stop: (reason) => handle.stop(reason) };
      },
      forget: (job) => runner.forget(job),
    };
  }

  #timed({ events }: JobHandle): AsyncIterable<JobEvent> {
    const began = this.#clock.now();
    const seconds = (): number => (this.#clock.now() - began) / 1000;
    let tokens = 0;
    const see = (event: JobEvent): void => {
      if (event.type === 'token' && tokens++ === 0) this.set.firstTokenSeconds.observe(seconds());
      else if (event.type === 'finished') {
        this.#finished(event.reason, tokens, seconds());
        this.#blame(event.lost);
      }
      if (event.type === 'recorded') this.#recorded(event.record);
    };
    return seenEvents(events, see, (error) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const code = failureCode(error instanceof Error && 'code' in error ? error.code : undefined);
    this.set.jobs.inc({ outcome: code === 'cancelled' ? 'cancelled' : 'failed' });
    this.set.failures.inc({ code });
    this.#blame(error);
  }

  #blame(error: unknown): void {
    const worker = v.safeParse(NodeId, error instanceof CiroError ? error.fields['worker'] : undefined);
    if (worker.success) this.#blamed(worker.output);
  }

  #finished(reason: JobRecord['finish'], tokens: number, seconds: number): void {
    const answered = reason === 'stop' || reason === 'length';
    this.set.jobs.inc({ outcome: answered ? 'answered' : reason });
    if (answered) this.set.answerSeconds.observe({ length: tokens <= SHORT_ANSWER_TOKENS ? 'short' : 'long' }, seconds);
  }

  #recorded({ signed, promptIds, tokenIds, tokensPerSecond }: JobRecord): void {
    const cached = reusedPositions(signed.plan);
    this.set.tokens.inc({ kind: 'prompt' }, promptIds.length - cached);
    this.set.tokens.inc({ kind: 'cached' }, cached);
    this.set.tokens.inc({ kind: 'generated' }, tokenIds.length);
    if (tokensPerSecond > 0) this.set.tokenRate.observe(tokensPerSecond);
  }

  /** Every event of every job's feed. */
  readonly feed = (job: JobId, event: JobStatusEvent): void => {
    switch (event.type) {
      case 'recorded': {
        this.#recordedAt.set(job, this.#clock.now());
        const [oldest] = this.#recordedAt.keys();
        if (this.#recordedAt.size > MAX_AUDITED_JOBS && oldest !== undefined) this.#recordedAt.delete(oldest);
        return;
      }
      case 'audited':
        this.set.auditedStages.inc({ outcome: event.status });
        return;
      case 'corrected':
      case 'uncorrected':
        this.set.corrections.inc({ outcome: event.type });
        return;
      case 'settled': {
        const at = this.#recordedAt.get(job);
        if (at !== undefined) this.set.auditSeconds.observe((this.#clock.now() - at) / 1000);
        this.#recordedAt.delete(job);
        return;
      }
      case 'failed':
        this.#recordedAt.delete(job);
    }
  };

  /** Notices to workers, with their amounts counted. */
  notices(notices: CreditNotices): CreditNotices {
    return {
      credited: (worker, notice) => {
        this.set.credits.inc({ status: notice.status }, credits(notice.amount));
        notices.credited(worker, notice);
      },
    };
  }

  /** What settlement does; passes on to who listened before. */
  settlement(next?: (event: SettlementEvent) => void): (event: SettlementEvent) => void {
    return (event) => {
      this.set.settlementEvents.inc({ event: event.type });
      if (event.type === 'closed') this.#closed(event.epoch);
      else if (event.type === 'claimable') this.#closedAtOfClaimable = this.#closedAt.get(event.epoch) ?? this.#closedAtOfClaimable;
      else if (event.type === 'settled') {
        this.set.settledCredits.inc(credits(event.credits));
        if (this.#closedAtOfClaimable !== undefined) this.set.settlementSeconds.observe((this.#clock.now() - this.#closedAtOfClaimable) / 1000);
      }
      next?.(event);
    };
  }

  #closed(epoch: number): void {
    this.#closedAt.set(epoch, this.#clock.now());
    const [oldest] = this.#closedAt.keys();
    if (this.#closedAt.size > MAX_EPOCHS && oldest !== undefined) this.#closedAt.delete(oldest);
  }

  /** Who comes and goes. */
  readonly workers: WorkerObserver = {
    joined: () => this.set.joins.inc(),
    left: (_node, _reason, returns) => this.set.departures.inc({ returns: String(returns) }),
  };

  /** An HTTP answer is whole; `route` as the server knows it, undefined where there is none. */
  answered(request: { readonly route: string | undefined; readonly method: string; readonly status: number; readonly ms: number }): void {
    const route = request.route ?? 'none';
    this.set.requests.inc({ route, method: methodLabel(request.method), status: statusClass(request.status) });
    this.set.requestSeconds.observe({ route }, request.ms / 1000);
  }

  /** Something failed outside of a request. */
  failed(about: object): void {
    this.set.errors.inc({ about: aboutLabel(about) });
  }
}

/** Credits of base units, as a metric can hold them. */
export const credits = (amount: bigint): number => Number(amount) / Number(BASE_UNITS_PER_CREDIT);
