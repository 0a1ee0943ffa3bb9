import { makeRecord } from '@ciro/signaling/evidence/job-record.fixture.ts';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobEvent, JobHandle, JobOrder, JobRecord } from '@ciro/signaling/scheduler/job-order.ts';

/** What a scripted job does. `ids` are given out one after the other, as many as the order allows. */
export interface Script {
  readonly ids: readonly number[];
  /** Thrown after so many tokens. */
  readonly failAfter?: { readonly tokens: number; readonly error: SchedulerError };
  /** Loses a stage after so many tokens, of which at least one is given. */
  readonly moveAfter?: { readonly tokens: number; readonly lost: SchedulerError };
  /** Plays these first, as a plan whose ring broke: they are drawn again by the next one. */
  readonly before?: readonly number[];
  /** Awaited before the first event, and before each token. */
  readonly gate?: (step: 'first' | number) => Promise<void> | void;
  /** Awaited between `finished` and `recorded`. */
  readonly record?: () => Promise<void>;
  readonly change?: (record: JobRecord) => JobRecord;
}

/** Stands where the scheduler is: answers orders from a script, with records as the real one gives them. */
export class ScriptedRunner {
  script: Script = { ids: [] };
  /** Instead of `script`, for jobs that are to differ. */
  scriptFor: ((order: JobOrder) => Script) | undefined;
  readonly orders: JobOrder[] = [];
  readonly stops: string[] = [];
  readonly forgotten: JobId[] = [];

  forget(job: JobId): void {
    this.forgotten.push(job);
  }

  run(order: JobOrder, signal: AbortSignal): JobHandle {
    this.orders.push(order);
    const state: { stop?: 'stop' | 'cancelled' } = {};
    const stop = (reason: 'stop' | 'cancelled'): void => {
      this.stops.push(reason);
      state.stop ??= reason;
    };
    if (signal.aborted) stop('cancelled');
    signal.addEventListener('abort', () => stop('cancelled'), { once: true });
    return { events: this.#play(order, this.scriptFor?.(order) ?? this.script, state), stop };
  }

  async *#play(order: JobOrder, script: Script, state: { stop?: 'stop' | 'cancelled' }): AsyncGenerator<JobEvent> {
    yield { type: 'queued', ahead: 0 };
    await script.gate?.('first');
    if (script.failAfter?.tokens === 0) throw script.failAfter.error;
    if (state.stop === 'cancelled') throw new SchedulerError('cancelled', `job ${order.job} was cancelled before it began`, { fault: 'abort' });
    const record = makeRecord({ ...order, promptIds: [...order.promptIds], tokenIds: script.ids.slice(0, order.maxTokens), sampler: order.sampler });
    yield { type: 'assigned', signed: record.signed };
    for (const [n, id] of (script.before ?? []).entries()) yield { type: 'token', position: order.promptIds.length + n, id };
    if (script.before !== undefined) yield { type: 'assigned', signed: record.signed };
    const given: number[] = [];
    let finish: JobRecord['finish'] = 'length';
    for (const id of script.ids.slice(0, order.maxTokens)) {
      await script.gate?.(given.length);
      if (state.stop !== undefined) break;
      if (script.failAfter?.tokens === given.length) throw script.failAfter.error;
      given.push(id);
      yield { type: 'token', position: order.promptIds.length + given.length - 1, id };
      if (script.moveAfter?.tokens === given.length) {
        finish = 'moved';
        break;
      }
      if (order.stopIds.includes(id)) {
        finish = 'stop';
        break;
      }
    }
    if (state.stop !== undefined) finish = state.stop;
    yield { type: 'finished', reason: finish, ...(finish === 'moved' && script.moveAfter && { lost: script.moveAfter.lost }) };
    await script.record?.();
    const recorded = makeRecord({ ...order, promptIds: [...order.promptIds], tokenIds: given, finish });
    yield { type: 'recorded', record: script.change?.(recorded) ?? recorded };
  }
}
