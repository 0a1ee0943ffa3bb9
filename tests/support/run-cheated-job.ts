/**
 * `npm run job -- --cheat NAME@STAGE …`: the same job, with one volunteer that cheats in that stage (counted from 1). The cheat
 * lives here, with the tests; it reaches a volunteer's page only because this program serves it another compute worker. Exit 0
 * when the cheat was found out, unpaid, and the answer that stands was made without it.
 */
import { join } from 'node:path';
import { parseJobOptions, usage } from '../../signaling/src/cli/job-options.ts';
import { runCommand } from '../../signaling/src/cli/run-command.ts';
import { runJob } from '../../signaling/src/cli/run-job.ts';
import { PAGE_CHEATS, parseCheat } from './cheating-page/page-cheats.ts';
import { convictionOf } from './conviction.ts';
import { buildSwappedWorker } from './swapped-worker/build-swapped-worker.ts';
import { swapInPage } from './swapped-worker/swap-in-page.ts';
import type { JobOptions } from '../../signaling/src/cli/job-options.ts';
import type { JobHooks } from '../../signaling/src/cli/run-job.ts';
import type { Answered } from '../../signaling/src/cli/run-question.ts';
import type { CheatWish } from './cheating-page/page-cheats.ts';

const CHEATING_SERVICE = join(import.meta.dirname, 'cheating-page', 'cheating-service.ts');

/** A job whose cheat came through: an exit code of 1 with the reason. */
export class CheatPassedError extends Error {
  override readonly name = 'CheatPassedError';
}

export interface CheatedJob {
  readonly options: JobOptions;
  readonly wish: CheatWish;
}

/** Takes `--cheat` out of the flags of `npm run job`. Throws `usage` when it names no cheat or no stage of the job. */
export function parseCheatedJob(args: readonly string[]): CheatedJob {
  const at = args.findIndex((arg) => arg === '--cheat' || arg.startsWith('--cheat='));
  const own = args[at] ?? '';
  const [text = '', taken] = own === '--cheat' ? [args[at + 1], 2] : [own.slice('--cheat='.length), 1];
  const options = parseJobOptions(args.toSpliced(at, taken));
  const wish = parseCheat(text, options.stages);
  if (wish === undefined) throw usage(`--cheat is ${JSON.stringify(text)}; expected NAME@STAGE with a stage from 1 to ${options.stages} and one of ${Object.keys(PAGE_CHEATS).join(', ')}`);
  return { options, wish };
}

/** Runs the job with the cheat in every volunteer, dormant but in the one that is first given the stage. `answered`: as in `runJob`. */
export async function runCheatedJob({ options, wish }: CheatedJob, signal: AbortSignal, answered?: NonNullable<JobHooks['answered']>): Promise<Answered> {
  const worker = await buildSwappedWorker({ service: CHEATING_SERVICE, define: { CHEAT_WISH: wish } });
  return runJob(options, { prepare: (page) => swapInPage(page, worker), ...(answered && { answered }) }, signal);
}

if (import.meta.main) {
  await runCommand(async (signal) => {
    const job = parseCheatedJob(process.argv.slice(2));
    process.stderr.write(`the volunteer that is given stage ${job.wish.stage} of ${job.wish.stages} cheats: ${job.wish.cheat}\n`);
    const answered = await runCheatedJob(job, signal);
    const conviction = convictionOf(answered);
    if (conviction === undefined) throw new CheatPassedError(`${job.wish.cheat} at stage ${job.wish.stage} was not convicted; the evidence says why`);
    process.stdout.write(`\n${conviction.text}\n`);
    if (!conviction.holds) throw new CheatPassedError('the cheat was paid, or serves the answer that stands');
  });
}
