/**
 * `npm run bench -- failover [--answers 64] [--seed 1]`: answers whose ring loses a tab, over three and over four stages, with a
 * spare for every stage and with one for all of them. What a client sees of it, and whether a token changes. About 25 minutes.
 */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { VolunteerTabs } from '../tests/support/volunteer-tabs.ts';
import { drawKills } from './failover/kill-plan.ts';
import { QUESTIONS } from './failover/questions.ts';
import { rowsOf, valuesOf } from './failover/report.ts';
import { runKill, undisturbed } from './failover/run-kills.ts';
import { prepareParts } from './network/bench-network.ts';
import { startCoordinatorProcess } from './network/coordinator-process.ts';
import { openTrial } from './network/open-trial.ts';
import { BenchError } from './result.ts';
import type { Outcome } from './failover/outcome.ts';
import type { Parts } from './network/bench-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const STAGES = [3, 4] as const;
/** Rings times sets of spares: a spare for each stage, then one. */
const SITES = 2 * STAGES.length;
/** No answer is begun after this: a result with fewer answers says so by its bar. */
const BUDGET_MS = 24 * 60_000;

const WholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number));
const Options = v.object({ answers: v.pipe(WholeNumber, v.minValue(SITES)), seed: WholeNumber });

/** Runs every site; answers come one after the other, each on a network that has recovered from the one before. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { answers, seed } = optionsOf(args);
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  tell(`seed ${seed}, ${answers} answers`);
  const parts = await prepareParts(signal, tell);
  const outcomes: Outcome[] = [];
  for (const stages of STAGES) outcomes.push(...(await overStages(parts, stages, { each: Math.ceil(answers / SITES), seed, deadline: begun + BUDGET_MS, tell })));
  tell('done');
  return { seeds: [seed], rows: [...rowsOf(outcomes)], values: valuesOf(outcomes), browser: parts.browser.version };
}

function optionsOf(args: readonly string[]): v.InferOutput<typeof Options> {
  const { values } = parseArgs({ args: [...args], options: { answers: { type: 'string', default: '64' }, seed: { type: 'string', default: '1' } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError(`usage: npm run bench -- failover [--answers N, at least ${SITES}] [--seed N]`);
  return parsed.output;
}

interface Course {
  /** Kills of each site. */
  readonly each: number;
  readonly seed: number;
  /** Time of `performance.now()`. */
  readonly deadline: number;
  readonly tell: (line: string) => void;
}

async function overStages(parts: Parts, stages: number, { each, seed, deadline, tell }: Course): Promise<readonly Outcome[]> {
  const { signal } = parts;
  tell(`${stages} stages and a spare for each`);
  const { browser, modelPath } = parts;
  await using coordinator = await startCoordinatorProcess({ modelPath, stages, expectWorkers: 2 * stages }, signal);
  const { url } = coordinator;
  // Nothing is drafted (SPEC E5): an answer that repeats itself would be over before its tab is lost.
  await using tabs = new VolunteerTabs({ browser, url, signal, maxDrafts: 0 });
  await Promise.all(Array.from({ length: 2 * stages }, () => tabs.open()));
  await coordinator.ready();
  const references = await undisturbed(await openTrial(url), signal);
  const outcomes: Outcome[] = [];
  for (const spares of [stages, 1]) {
    const { spares: standing } = await tabs.ready(stages, stages);
    for (const { tab } of standing.slice(spares)) await tabs.lose(tab, 'closed');
    // A trial's credits are enough for one site.
    const site = { door: await openTrial(url), tabs, stages, spares, references, signal };
    const kills = drawKills(seed, `${stages} stages, ${spares} spares`, each, { stages, questions: QUESTIONS.length });
    for (const [index, kill] of kills.entries()) {
      signal.throwIfAborted();
      if (performance.now() > deadline) return outcomes;
      const outcome = await runKill(site, kill);
      if (outcome !== undefined) outcomes.push(outcome);
      tell(`${stages} stages, ${spares} spares, ${index + 1}/${each}: stage ${kill.stage + 1} ${kill.death} after piece ${kill.piece} of question ${kill.question}: ${described(outcome)}`);
    }
  }
  return outcomes;
}

function described(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'the answer was over first, not counted';
  const { warm, stallMs, movingMs, lost, changedTokens } = outcome;
  const ms = (value: number | undefined): string => value?.toFixed(0) ?? '–';
  return `${warm ? 'warm' : 'cold'}, stalled ${ms(stallMs)} ms, told after ${ms(movingMs)} ms, ${changedTokens} tokens changed${lost === undefined ? '' : `, LOST: ${lost}`}`;
}
