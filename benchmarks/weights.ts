/**
 * `npm run bench -- weights [--rounds 2]`: a tab loads a model of 44 MB that two others hold, its line to the coordinator at 50 and at 5 Mbit/s, with the
 * neighbours and without them; and how fast one of the two answers meanwhile. About five minutes on an idle machine.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { findBrowser } from '../signaling/src/volunteers/find-browser.ts';
import { isStandingBy } from '../tests/support/browser-status.ts';
import { openLateTab } from '../tests/support/late-tab.ts';
import { askNetwork } from '../tests/support/network-question.ts';
import { openWeightsNetwork } from '../tests/support/weights-network.ts';
import { figureRow, megabytes, median } from './figures/figure.ts';
import { TrialDoors } from './network/open-trial.ts';
import { BenchError } from './result.ts';
import type { LateTab } from '../tests/support/late-tab.ts';
import type { WeightsNetwork } from '../tests/support/weights-network.ts';
import type { Browser } from '../signaling/src/volunteers/browser.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const LINES = [50, 5] as const;
/** Who hides its address takes nothing from neighbours: everything else is the same. */
const WAYS = [{ name: 'with two neighbours', relayOnly: false }, { name: 'without', relayOnly: true }] as const;
const QUESTION = { messages: [{ role: 'user', content: 'hello the other one' }], maxTokens: 200 } as const;
const Rounds = v.pipe(v.string(), v.regex(/^[1-9]$/), v.transform(Number));

/** What one load took, and what the others did meanwhile. */
interface Load {
  readonly readyS: number;
  readonly neighbourMb: number;
  readonly coordinatorMb: number;
  readonly tokensPerSecond: number;
}

export async function run({ args, say }: BenchContext): Promise<BenchReport> {
  const rounds = roundsOf(args);
  const [busy = Number.NaN] = loadavg();
  const browser = await findBrowser({ report: say });
  if (browser === undefined) throw new BenchError('no browser: install Chromium or name one with CIRO_BROWSER');
  await using network = await openWeightsNetwork(browser);
  const cases = LINES.flatMap((megabits) => WAYS.map((way) => ({ megabits, ...way, name: `${megabits} Mbit/s, ${way.name}` })));
  const found = new Map<string, Load[]>(cases.map(({ name }) => [name, []]));
  const alone: number[] = [];
  const doors = new TrialDoors(network.coordinator);
  for (let round = 0; round < rounds; round++) {
    alone.push(await tokensPerSecond(doors));
    for (const each of round % 2 === 0 ? cases : cases.toReversed()) {
      const load = await loadOnce(browser, network, doors, each);
      found.get(each.name)?.push(load);
      say(`round ${round + 1} of ${rounds}, ${each.name}: ready after ${load.readyS.toFixed(1)} s, ${load.neighbourMb.toFixed(1)} MB from neighbours, ${load.tokensPerSecond.toFixed(1)} tokens/s beside it`);
    }
  }
  const all = (name: string, field: keyof Load): number[] => found.get(name)?.map((load) => load[field]) ?? [];
  const rows = cases.flatMap(({ name }) => [
    figureRow(`ready, ${name}`, 'from the page’s opening until the whole model is loaded', 's', all(name, 'readyS')),
    figureRow(`from neighbours, ${name}`, `of ${megabytes(network.modelBytes).toFixed(1)} MB`, 'MB', all(name, 'neighbourMb')),
    figureRow(`from the coordinator, ${name}`, `of ${megabytes(network.modelBytes).toFixed(1)} MB`, 'MB', all(name, 'coordinatorMb')),
    figureRow(`answer beside it, ${name}`, 'one of the two that hold the model computes', 'tokens/s', all(name, 'tokensPerSecond')),
  ]);
  const ratios = LINES.map((megabits) => {
    const [near, far] = WAYS.map((way) => median(all(`${megabits} Mbit/s, ${way.name}`, 'readyS')));
    return figureRow(`ready without neighbours / with, ${megabits} Mbit/s`, 'medians', 'x', [(far ?? 0) / (near ?? 1)]);
  });
  return {
    seeds: [],
    rows: [...rows, ...ratios, figureRow('answer, nobody loads', 'the same answer', 'tokens/s', alone), figureRow('what else the machine did: load before the run, one-minute average', 'other programs', 'processes', [busy])],
    values: {},
    browser: browser.version,
  };
}

/** A tab loads; once the half has come, a question is asked. */
async function loadOnce(browser: Browser, network: WeightsNetwork, doors: TrialDoors, { megabits, relayOnly }: { readonly megabits: number; readonly relayOnly: boolean }): Promise<Load> {
  await using late: LateTab = await openLateTab(browser, network.coordinator.url, megabits, { relayOnly });
  await late.until('half loaded', ({ weights }) => weights.neighbours + weights.coordinator > network.modelBytes / 2);
  const [speed, { timings, weights }] = await Promise.all([tokensPerSecond(doors), late.until('standing by', (status) => isStandingBy(status) && status.weights.neighbours + status.weights.coordinator === network.modelBytes)]);
  return { readyS: (timings.ready_ms ?? Number.NaN) / 1_000, neighbourMb: megabytes(weights.neighbours), coordinatorMb: megabytes(weights.coordinator), tokensPerSecond: speed };
}

/** From the first piece of the answer to its end. */
async function tokensPerSecond(doors: TrialDoors): Promise<number> {
  let first = Number.NaN;
  const answer = await askNetwork(await doors.next(), { ...QUESTION, onText: () => void (Number.isNaN(first) && (first = performance.now())) });
  if (!answer.ok) throw new BenchError(`no answer: ${answer.error.message}`);
  doors.spent(answer.completionTokens);
  return ((answer.completionTokens - 1) * 1_000) / (performance.now() - first);
}

function roundsOf(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '2' } } });
  const parsed = v.safeParse(Rounds, values.rounds);
  if (!parsed.success) throw new BenchError('usage: npm run bench -- weights [--rounds N, 1 to 9]');
  return parsed.output;
}
