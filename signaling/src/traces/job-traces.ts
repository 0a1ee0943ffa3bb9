import { randomBytes } from 'node:crypto';
import { reusedPositions } from '@ciro/core/job/plan.ts';
import { seenEvents } from '../intake/seen-events.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobStatusEvent } from '../intake/job-feed.ts';
import type { JobRunner } from '../intake/ports.ts';
import type { JobEvent, JobOrder } from '../scheduler/job-order.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Span } from './otlp-exporter.ts';

/** What a job does, one after the other: waits for a ring and its plan, computes its prompt, draws ids, collects roots, is audited. */
type Step = 'wait' | 'prompt' | 'answer' | 'record' | 'audit';

interface OpenTrace {
  readonly spanId: string;
  readonly from: number;
  readonly attributes: Record<string, string | number>;
  step: { readonly name: Step; readonly from: number } | undefined;
}

/** Jobs under way or under audit that are traced at a time; of more the oldest is not. */
const MAX_TRACES = 10_000;

/**
 * A trace of each job's whole life, from its order until every stage is decided. Its id is the job's. Attributes are numbers, the model, how it ended and
 * the nodes of its stages, which are public; nothing of what was asked or answered.
 */
export class JobTraces {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #export: (span: Span) => void;
  readonly #open = new Map<JobId, OpenTrace>();

  constructor(clock: Pick<Clock, 'now'>, onSpan: (span: Span) => void) {
    this.#clock = clock;
    this.#export = onSpan;
  }

  /** The runner, with every order traced. */
  runner(runner: JobRunner): JobRunner {
    return {
      run: (order, signal) => {
        this.#begin(order);
        const { events, stop } = runner.run(order, signal);
        return { stop, events: seenEvents(events, (event) => this.#see(order.job, event)) };
      },
      forget: (job) => runner.forget(job),
    };
  }

  /** Events of the jobs' feeds, which go on after a job was recorded. */
  readonly feed = (job: JobId, event: JobStatusEvent): void => {
    const trace = this.#open.get(job);
    if (trace === undefined) return;
    if (event.type === 'audited') trace.attributes[`ciro.stage.${event.stage}.audit`] = event.status;
    else if (event.type === 'moved') trace.attributes['ciro.goes_on_in'] = event.job;
    else if (event.type === 'corrected') trace.attributes['ciro.corrected_by'] = event.job;
    else if (event.type === 'settled') this.#end(job, trace);
    else if (event.type === 'failed') this.#end(job, trace, event.code);
  };

  #begin({ job, modelId, promptIds, maxTokens, continues }: JobOrder): void {
    const from = this.#clock.now();
    const attributes = { 'ciro.model': modelId, 'ciro.prompt_tokens': promptIds.length, 'ciro.max_tokens': maxTokens, ...(continues === null ? {} : { 'ciro.goes_on_from': continues }) };
    this.#open.set(job, { spanId: newSpan(), from, attributes, step: { name: 'wait', from } });
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_TRACES && oldest !== undefined) this.#open.delete(oldest);
  }

  #see(job: JobId, event: JobEvent): void {
    const trace = this.#open.get(job);
    if (trace === undefined) return;
    if (event.type === 'assigned') {
      const { plan } = event.signed;
      Object.assign(trace.attributes, { 'ciro.stages': plan.stages.length, 'ciro.plan_version': plan.version, 'ciro.cached_tokens': reusedPositions(plan), 'ciro.workers': plan.stages.map(({ worker }) => worker).join(',') });
      this.#next(job, trace, 'prompt');
    } else if (event.type === 'token' && trace.step?.name === 'prompt') this.#next(job, trace, 'answer');
    else if (event.type === 'finished') {
      trace.attributes['ciro.finish'] = event.reason;
      this.#next(job, trace, 'record', event.lost?.code);
    } else if (event.type === 'recorded') {
      trace.attributes['ciro.tokens'] = event.record.tokenIds.length;
      this.#next(job, trace, 'audit');
    }
  }

  /** Ends the step under way, with an error where there was one, and begins another. */
  #next(job: JobId, trace: OpenTrace, name: Step | undefined, error?: string): void {
    const now = this.#clock.now();
    const { step } = trace;
    if (step !== undefined) this.#export({ traceId: job, spanId: newSpan(), parentId: trace.spanId, name: step.name, from: step.from, to: now, attributes: {}, ...(error === undefined ? {} : { error }) });
    trace.step = name === undefined ? undefined : { name, from: now };
  }

  #end(job: JobId, trace: OpenTrace, error?: string): void {
    this.#next(job, trace, undefined, error);
    this.#open.delete(job);
    this.#export({ traceId: job, spanId: trace.spanId, name: 'job', from: trace.from, to: this.#clock.now(), attributes: trace.attributes, ...(error === undefined ? {} : { error }) });
  }
}

const newSpan = (): string => randomBytes(8).toString('hex');
