import type { OpenJob } from './open-job.ts';
import type { StageWork } from './stage-job.ts';
import type { StageRun } from './stage-ports.ts';

/** A job's work in line for the engine. */
export interface QueuedWork {
  readonly open: OpenJob;
  readonly work: StageWork;
}

/** What became of one job's work: a run, or what it failed with. */
export type WorkOutcome = { readonly ok: true; readonly run: StageRun } | { readonly ok: false; readonly error: unknown };

/** Whether the work is the next generated position of a job, with its drafts: rows that somebody waits for. */
export const isDecode = ({ open, work }: QueuedWork): boolean => work.position >= open.job.plan.promptTokens;

/**
 * Whether generated positions of these jobs may be computed in one run: one row of each, on one engine, which thinks it worth while, and for whose
 * bytes beside what the engine has promised there is room.
 */
export function fitTogether(items: readonly QueuedWork[], hasRoom: (bytes: number) => boolean): boolean {
  const [first] = items;
  if (first === undefined || items.some(({ open, work }) => work.count > 1 || open.state !== 'open' || open.held !== first.open.held)) return false;
  const bytes = first.open.held.engine.batchBytes(items.map(({ open }) => open.job.key));
  return bytes !== undefined && hasRoom(bytes);
}

/** Runs what was taken together; rejected drafts are cut first. A run of several jobs that fails says nothing about any of them, so each is run alone then. Never throws. */
export async function runWork(items: readonly QueuedWork[]): Promise<WorkOutcome[]> {
  const [first] = items;
  if (first !== undefined && items.length > 1) {
    try {
      for (const item of items) cut(item);
      const runs = await first.open.held.engine.runBatch(items.map(({ open: { job }, work: { position, logits } }) => ({ jobKey: job.key, position, input: job.inputs.at(position, 1), logits: logits !== false })));
      return runs.map((run) => ({ ok: true, run }));
    } catch {
      // What is wrong shows again where it belongs.
    }
  }
  const outcomes: WorkOutcome[] = [];
  for (const item of items) outcomes.push(await runAlone(item));
  return outcomes;
}

async function runAlone(item: QueuedWork): Promise<WorkOutcome> {
  const { open: { job, held }, work: { position, count, logits } } = item;
  try {
    cut(item);
    return { ok: true, run: await held.engine.run(job.key, position, job.inputs.at(position, count), count, logits === false ? {} : { logits }) };
  } catch (error) {
    return { ok: false, error };
  }
}

function cut({ open: { job, held }, work }: QueuedWork): void {
  if (work.cuts) held.engine.truncate(job.key, work.position);
}
