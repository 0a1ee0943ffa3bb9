import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { continuationOf } from './going-on.ts';
import { runOrder } from './run-order.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { OpenedJob } from '../evidence/job-archive.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AnswerText } from './answer-text.ts';
import type { Fault } from './correction.ts';
import type { RanOrder, RunDependencies, RunEnd, RunListener } from './run-order.ts';

/** A job of an answer: its run up to the charge, then what its audits find. Both may reject; neither has to be waited for. */
export interface Part {
  readonly order: JobOrder;
  readonly ran: Promise<RanOrder>;
  readonly fault: Promise<Fault | undefined>;
}

/** An answer from its first id to its last: every part but the last one moved (SPEC G2). */
export type Parts = readonly [Part, ...Part[]];

export interface PartsDependencies extends RunDependencies {
  readonly newJob: () => JobId;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Audits a part as soon as it is recorded: rows are not kept for long. */
  readonly decide: (order: JobOrder, ran: RanOrder) => Promise<Fault | undefined>;
  /** An order is about to run; `moved` when it goes on from one that lost a stage. */
  readonly begins: (order: JobOrder, moved: RunEnd | undefined) => void;
}

/** How an answer is run. `text` decodes its ids and may have been given earlier ones, whose text is `before`. */
export interface PartsToRun {
  readonly opened: Omit<OpenedJob, 'job' | 'continues'>;
  readonly text: AnswerText;
  readonly before: string;
  readonly signal: AbortSignal;
  /** The coordinator ends, and the next one goes on (SPEC G8). */
  readonly abandon?: AbortSignal;
  /** Parts that a coordinator which ended left behind, and the ids of `first` that were given out already (SPEC G8). */
  readonly left?: { readonly parts: readonly Part[]; readonly given: readonly number[] };
}

/** The parts that were run before the one that could not be: nothing of them is to be paid, unless the client called it off. */
export class PartsBroken extends Error {
  readonly parts: readonly Part[];

  constructor(parts: readonly Part[], cause: unknown) {
    super('an answer broke off', { cause });
    this.parts = parts;
  }
}

/**
 * Runs a held order, and what goes on with it, until its text has ended and its last part is charged. `listener` hears one answer:
 * its ids are counted over all parts. Throws what ended the only part, or PartsBroken when there were others before it.
 */
export async function runParts(dependencies: PartsDependencies, first: JobOrder, run: PartsToRun, listener: RunListener): Promise<Parts> {
  const parts: Part[] = [...(run.left?.parts ?? [])];
  const base = parts[0]?.order ?? first;
  let end: RunEnd | undefined;
  for (let order = first; ; order = continuationOf(order, end, dependencies.newJob())) {
    try {
      // A coordinator that ended may have held it already: a cause is booked once (SPEC M5).
      if (order !== first || run.left !== undefined) await hold(dependencies, order, { account: run.opened.account, like: base.job }, parts);
      dependencies.begins(order, end);
      const { part, ended } = begin(dependencies, order, { ...run, before: end?.text ?? run.before, given: order === first ? (run.left?.given ?? []) : [] }, { base, listener });
      parts.push(part);
      end = await ended;
      if (end?.reason === 'moved') continue;
      await part.ran;
      return parts as [Part, ...Part[]];
    } catch (error) {
      const before = parts.filter((part) => part.order !== order);
      throw before.length > 0 ? new PartsBroken(before, error) : error;
    }
  }
}

function begin(dependencies: PartsDependencies, order: JobOrder, { opened, text, before, given, signal, abandon }: PartsToRun & { readonly given: readonly number[] }, { base, listener }: { readonly base: JobOrder; readonly listener: RunListener }): { readonly part: Part; readonly ended: Promise<RunEnd | undefined> } {
  const { promise: ended, resolve } = Promise.withResolvers<RunEnd | undefined>();
  const moved = order !== base;
  const ran = runOrder(
    dependencies,
    { order, opened: { ...opened, job: order.job, createdAt: moved ? dependencies.now() : opened.createdAt, corrects: moved ? null : opened.corrects, continues: order.continues }, text, before, given, signal, abandon },
    {
      ...(listener.text && { text: listener.text }),
      ...(listener.drew && { drew: listener.drew }),
      // Who reads already is not told of queues.
      ...(moved ? {} : { ...(listener.queued && { queued: listener.queued }), ...(listener.started && { started: listener.started }) }),
      finished: (end) => {
        if (end.reason !== 'moved') listener.finished?.({ ...end, ids: [...order.promptIds.subarray(base.promptIds.length), ...end.ids] });
        resolve(end);
      },
    },
  );
  const fault = ran.then((done) => dependencies.decide(order, done));
  ran.catch(() => resolve(undefined));
  fault.catch(() => undefined);
  return { part: { order, ran, fault }, ended };
}

/** What is left of the price is held anew; an account that has no more is waited for until the part before is charged and gives its rest back. */
async function hold({ ledger }: PartsDependencies, { job, quote, escrow }: JobOrder, { account, like }: { readonly account: string; readonly like: JobId }, parts: readonly Part[]): Promise<void> {
  try {
    await ledger.hold(job, account, BigInt(quote.hold), { escrow, like });
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'insufficient') throw error;
    await parts.at(-1)?.ran;
    await ledger.hold(job, account, BigInt(quote.hold), { escrow, like });
  }
}
