import { CiroError } from '@ciro/core/errors.ts';
import { reusedPositions } from '@ciro/core/job/plan.ts';
import { IntakeError } from './intake-error.ts';
import { settleJob } from './settle-job.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobArchive, OpenedJob } from '../evidence/job-archive.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { JobOrder, JobRecord } from '../scheduler/job-order.ts';
import type { AnswerText } from './answer-text.ts';
import type { JobFeeds } from './job-feed.ts';
import type { Moved } from './going-on.ts';
import type { CreditNotices, JobRunner } from './ports.ts';

export interface RunDependencies {
  readonly ledger: Ledger;
  readonly archive: JobArchive;
  readonly runner: JobRunner;
  readonly notices: CreditNotices;
  readonly feeds: JobFeeds;
  /** Hears what failed after the client was answered: a charge that could not be booked is made up for at the next start. */
  readonly onError: (error: unknown, job: JobId) => void;
}

/** What one run tells while it goes on. */
export interface RunListener {
  queued?(ahead: number): void;
  /** A plan is out, of which so many positions are not computed again. */
  started?(cachedTokens: number): void;
  text?(piece: string): void;
  /** An id that counts, before its text. */
  drew?(id: number): void;
  /** No text of this order follows. */
  finished?(end: RunEnd): void;
}

/** How a run ended, and with what. */
export interface RunEnd extends Moved {
  readonly reason: JobRecord['finish'];
}

/** A job that was answered, recorded and charged. */
export interface RanOrder {
  readonly record: JobRecord;
  /** Epoch milliseconds at which it was opened. */
  readonly createdAt: number;
  /** The whole answer, the text of ids that an earlier job drew included. */
  readonly text: string;
}

/**
 * Runs a held order to its charge. `text` decodes its ids and may have been given earlier ones, whose text is `before`. `given`: ids of
 * this order that the reader has been given already, by a coordinator that ended. `abandon`: this one ends, too, and leaves the order to the
 * next one as it is, unless it has ended (SPEC G8). Throws
 * when the job ends without a record, with its hold given back; or when only its charge failed, which the next start makes.
 */
export async function runOrder(
  dependencies: RunDependencies,
  { order, opened, text, before = '', given = [], signal, abandon }: { readonly order: JobOrder; readonly opened: OpenedJob; readonly text: AnswerText; readonly before?: string; readonly given?: readonly number[]; readonly signal: AbortSignal; readonly abandon?: AbortSignal | undefined },
  listener: RunListener,
): Promise<RanOrder> {
  const { archive, feeds } = dependencies;
  const { job } = order;
  feeds.open(job);
  try {
    await archive.open(opened);
    const { record, text: whole } = await follow(dependencies, order, { text, before, given, signal, abandon }, listener);
    return { record, text: whole, createdAt: opened.createdAt };
  } catch (error) {
    if (error instanceof Abandoned) throw stopping();
    await giveUp(dependencies, job, error).catch((cause: unknown) => dependencies.onError(cause, job));
    throw error;
  }
}

async function follow(dependencies: RunDependencies, order: JobOrder, { text, before, given, signal, abandon }: { readonly text: AnswerText; readonly before: string; readonly given: readonly number[]; readonly signal: AbortSignal; readonly abandon: AbortSignal | undefined }, listener: RunListener): Promise<Omit<RanOrder, 'createdAt'>> {
  const { archive, feeds, runner } = dependencies;
  const { job } = order;
  let sent = before;
  const ids: number[] = [...given];
  /** Ids that the present plan drew; an order that is placed anew draws those again that were given out already (SPEC G1). */
  let drawn = 0;
  const send = (piece: string): void => {
    sent += piece;
    if (piece !== '') listener.text?.(piece);
  };
  const started = (cached: number): void => {
    feeds.push(job, { type: 'started', ...(cached > 0 && { cached_tokens: cached }) });
    listener.started?.(cached);
  };
  for (const id of given) send(text.push(id));
  if (abandon?.aborted === true) throw new Abandoned();
  const handle = runner.run(order, signal);
  let ended = false;
  abandon?.addEventListener('abort', () => handle.stop('cancelled'), { once: true });
  for await (const event of abandoned(handle.events, () => !ended && abandon?.aborted === true)) {
    switch (event.type) {
      case 'queued':
        feeds.push(job, event);
        listener.queued?.(event.ahead);
        break;
      case 'assigned':
        drawn = 0;
        started(reusedPositions(event.signed.plan));
        break;
      case 'prefix-gone':
        feeds.push(job, { type: 'prefix_gone', job: event.prefix.job, positions: event.prefix.positions });
        break;
      case 'token': {
        const known = ids[drawn++];
        if (known !== undefined && known !== event.id) {
          handle.stop('cancelled');
          throw changed(job, drawn, known, event.id);
        }
        if (known === undefined) {
          ids.push(event.id);
          listener.drew?.(event.id);
          send(text.push(event.id));
        }
        if (text.stopped && drawn === ids.length) handle.stop('stop');
        break;
      }
      case 'finished':
        ended = true;
        // What is held back of the text of an answer that moves goes on with it.
        if (event.reason !== 'moved') {
          send(text.finish());
          feeds.push(job, { type: 'finished', finish_reason: event.reason });
        }
        listener.finished?.({ reason: event.reason, ids, text: sent, lost: event.lost });
        break;
      case 'recorded': {
        const { record } = event;
        // The record first: should the process end in between, the next start charges from it.
        await archive.record(job, record, sent);
        await settleJob(dependencies, job, record);
        return { record, text: sent };
      }
    }
  }
  throw cancelled(job);
}

/** The coordinator ends, and the next one goes on with the order. */
class Abandoned extends Error {}

/** Passes events on until the order is given up to the next coordinator: what comes then, an error included, is of no use to that. */
async function* abandoned<T>(events: AsyncIterable<T>, isSo: () => boolean): AsyncGenerator<T> {
  try {
    for await (const event of events) {
      if (isSo()) throw new Abandoned();
      yield event;
    }
  } catch (error) {
    throw isSo() ? new Abandoned() : error;
  }
}

/** Gives the hold back, unless the job is recorded: then only its charge failed, and the next start makes it. */
async function giveUp({ archive, ledger, feeds, onError }: RunDependencies, job: JobId, error: unknown): Promise<void> {
  const failure = error instanceof CiroError ? { code: error.code, message: error.message } : { code: 'internal', message: 'an error in the coordinator; nothing was charged: ask again' };
  feeds.push(job, { type: 'failed', ...failure });
  const archived = await archive.find(job);
  if (archived?.state === 'recorded') {
    onError(error, job);
    return;
  }
  if (!(error instanceof CiroError)) onError(error, job);
  await archive.fail(job, failure);
  await ledger.release(job);
}

/** Another engine may draw another id where two are equally likely; what a client has read cannot be taken back. */
function changed(job: JobId, number: number, given: number, drawn: number): IntakeError {
  return new IntakeError('answer_changed', `job ${job} began anew after a tab left, and drew id ${drawn} as number ${number} where ${given} was given out; nothing was charged: ask again`, { fault: 'platform', fields: { job } });
}

export function cancelled(job: JobId): IntakeError {
  return new IntakeError('cancelled', `job ${job} was cancelled before it was recorded; nothing was charged`, { fault: 'abort', fields: { job } });
}

export function stopping(): IntakeError {
  return new IntakeError('stopping', 'the coordinator is stopping; ask again in a minute', { fault: 'platform', fields: { retryAfterMs: 60_000 } });
}
