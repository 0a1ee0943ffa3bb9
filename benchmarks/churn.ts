/**
 * `npm run bench -- churn [--minutes 3] [--rates 0,2,6,12] [--seed 1] [--print]`: tabs leave and arrive by a seeded trace while questions are asked all the
 * time; what a client sees of it, for each rate of departures. `--minutes`: of each rate; `--print`: says the traces and plays nothing. About 15 minutes.
 */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { VolunteerTabs } from '../tests/support/volunteer-tabs.ts';
import { play } from './churn/play.ts';
import { rowsOf, valuesOf } from './churn/report.ts';
import { drawTrace, linesOf } from './churn/trace.ts';
import { undisturbed } from './failover/run-kills.ts';
import { prepareParts } from './network/bench-network.ts';
import { startCoordinatorProcess } from './network/coordinator-process.ts';
import { openTrial } from './network/open-trial.ts';
import { BenchError } from './result.ts';
import type { Played } from './churn/outcome.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';
import type { Door } from '../tests/support/network-question.ts';
import type { VolunteerTab } from '../tests/support/tab-death.ts';

const STAGES = 3;
const SPARES = 3;
const MINUTE_MS = 60_000;
/** A trial's credits are enough for some 17 of the questions. */
const QUESTIONS_A_KEY = 12;

const Rate = v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number));
const Options = v.object({
  minutes: v.pipe(v.string(), v.regex(/^\d{1,2}(\.\d{1,2})?$/), v.transform(Number), v.minValue(0.2)),
  rates: v.pipe(v.string(), v.transform((text) => text.split(',')), v.array(Rate), v.minLength(1)),
  seed: v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number)),
  print: v.boolean(),
});
type Options = v.InferOutput<typeof Options>;

/** Plays every rate over one network, which is whole again before each. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { minutes, rates, seed, print } = optionsOf(args);
  if (print) return printed(seed, rates, minutes);
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  tell(`seed ${seed}, ${minutes} minutes of each rate: ${rates.join(', ')} departures a minute`);
  const parts = await prepareParts(signal, tell);
  const { browser, modelPath } = parts;
  await using coordinator = await startCoordinatorProcess({ modelPath, stages: STAGES, expectWorkers: STAGES + SPARES }, signal);
  const { url } = coordinator;
  await using tabs = new VolunteerTabs({ browser, url, signal });
  let here: readonly VolunteerTab[] = await Promise.all(Array.from({ length: STAGES + SPARES }, () => tabs.open()));
  await coordinator.ready();
  tell('the ring stands; every question is asked once undisturbed');
  const references = await undisturbed(await openTrial(url), signal);
  const openDoor = doors(url);
  const played: Played[] = [];
  for (const rate of rates) {
    here = [...here, ...(await Promise.all(Array.from({ length: Math.max(0, STAGES + SPARES - here.length) }, () => tabs.open())))];
    await tabs.ready(STAGES, 1);
    tell(`${rate} departures a minute`);
    const trace = drawTrace(seed, rate, minutes);
    const { here: left, ...outcome } = await play({ openDoor, tabs, here, references, signal, tell }, trace, minutes * MINUTE_MS);
    here = left;
    played.push({ departuresPerMinute: rate, ...outcome });
  }
  tell('done');
  return { seeds: [seed], rows: rowsOf(played), values: valuesOf(played), browser: browser.version };
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: { minutes: { type: 'string', default: '3' }, rates: { type: 'string', default: '0,2,6,12' }, seed: { type: 'string', default: '1' }, print: { type: 'boolean', default: false } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError('usage: npm run bench -- churn [--minutes N, at least 0.2] [--rates N,N,…] [--seed N] [--print]');
  return parsed.output;
}

/** The traces as a table, of which nothing is measured. */
function printed(seed: number, rates: readonly number[], minutes: number): BenchReport {
  const rows = rates.flatMap((rate) => drawTrace(seed, rate, minutes).map((event) => ({ departures_per_minute: rate, event: linesOf([event]) })));
  return { seeds: [seed], rows: rows.length === 0 ? [{ departures_per_minute: 0, event: 'none' }] : rows, values: { lost_answers: { notMeasured: 'the trace was printed, not played' } } };
}

/** A key for the next question: the same one for as many as its credits are enough for. */
function doors(url: string): () => Promise<Door> {
  let door: Promise<Door> | undefined;
  let uses = 0;
  return () => {
    // One address is given ten trials at once.
    if (door === undefined || uses++ % QUESTIONS_A_KEY === 0) door = openTrial(url, `10.0.0.${uses}`);
    return door;
  };
}
