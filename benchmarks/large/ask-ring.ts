import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceOfAnswer, idsOfAnswer } from '../../tests/support/answer-jobs.ts';
import { browserStatus } from '../../tests/support/browser-status.ts';
import { askAndDisturb } from '../../tests/support/lost-tab.ts';
import { faultsOf } from '../../tests/support/network-evidence.ts';
import { answerOf, askNetwork } from '../../tests/support/network-question.ts';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { rendererPid } from '../../signaling/src/volunteers/renderer-memory.ts';
import { stallOf } from '../failover/outcome.ts';
import { megabytes } from '../figures/figure.ts';
import { startCoordinatorProcess } from '../network/coordinator-process.ts';
import { healthOf, healthWhen } from './health.ts';
import type { Page } from 'playwright-core';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { RendererMemory } from '../../signaling/src/volunteers/renderer-memory.ts';
import type { Health } from './health.ts';
import type { NativeIds } from './native-greedy.ts';

/** One tab measures itself; all of them load: each takes a core for some seconds, and there may be two. */
const JOINED_MS = 120_000;
const READY_MS = 15 * 60_000;
/** A browser collects what loading left behind when a tab has been quiet for a while. */
const SETTLE_MS = 20_000;
/** Of what a tab says of itself when the network does not come to be. */
const STATE_CHARACTERS = 400;
/** Pieces of text after which a tab goes. */
const KILL_AFTER = 10;
const WARM_UP_TOKENS = 4;
/** Tabs that are opened at a time, in a browser of their own: each measures itself, which two cores cannot do for twenty at once. */
const TABS_A_BROWSER = 3;
/** Audits are other devices' work; here they would compute on the ring's own cores. */
const AUDIT_RATE = 1e-6;

export interface RingWish {
  readonly browser: Browser;
  readonly modelPath: string;
  /** Tabs of the ring; one more is opened, which takes over. */
  readonly stages: number;
  /** Tabs of this budget that the model needs at least. */
  readonly fewest: number;
  readonly budgetBytes: number;
  readonly questions: readonly string[];
  readonly tokens: number;
  /** The native answer to each question. */
  readonly native: readonly NativeIds[];
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly values: readonly number[];
}

export interface Ring {
  readonly rows: readonly Figure[];
  /** Stages that served. */
  readonly tabs: number;
  /** Most that any renderer ever had resident. */
  readonly peakMb: number;
  /** Of all ids of both answers. */
  readonly tokensEqual: number;
  readonly tokensPerSecond: number;
  /** The second answer lost a tab, came whole, and is the native one. */
  readonly killSurvived: boolean;
}

/** Opens the tabs, the first one alone; asks both questions, and kills a tab in the middle of the second. */
export async function askRing({ browser, modelPath, stages, fewest, budgetBytes, questions, tokens, native, signal, tell }: RingWish): Promise<Ring> {
  await using coordinator = await startCoordinatorProcess({ modelPath, stages, expectWorkers: stages + 1, auditRate: AUDIT_RATE }, signal);
  const { url } = coordinator;
  const open = (count: number) => launchVolunteers({ browser, url, count, engine: 'wasm', memoryBudgetBytes: budgetBytes, signal, onProblem: ({ kind, text }) => tell(`a tab: ${kind}: ${text.split('\n')[0]}`) });
  const ask = (question: string, maxTokens: number) => ({ messages: [{ role: 'user', content: question }], maxTokens, signal });

  await using lone = await open(1);
  await healthWhen(url, ({ workers }) => workers === 1, JOINED_MS, signal);
  const refused = await askNetwork(coordinator, ask(questions[0] ?? '', tokens));
  if (refused.ok || refused.error.code !== 'not_covered') throw new Error(`one tab was not refused as not_covered: ${JSON.stringify(refused)}`);
  tell(`one tab: ${refused.error.message}`);
  const missing: number[] = [(await healthOf(url)).missing];
  if (missing[0] !== fewest - 1) throw new Error(`one tab is here and ${fewest} are needed, but the coordinator says ${missing[0]}`);

  const started = performance.now();
  await using closing = new AsyncDisposableStack();
  const browsers = [lone];
  const when = (wanted: (health: Health) => boolean, withinMs: number): Promise<Health> =>
    healthWhen(url, wanted, withinMs, signal).catch(async (error: unknown) => {
      for (const page of browsers.flatMap(({ pages }) => pages)) tell(`a tab: ${JSON.stringify(await page.evaluate('globalThis.ciro?.status()').catch(String)).slice(0, STATE_CHARACTERS)}`);
      throw error;
    });
  for (let here = 1; here <= stages; ) {
    const count = Math.min(TABS_A_BROWSER, stages + 1 - here);
    browsers.push(closing.use(await open(count)));
    here += count;
    const { missing: now } = await when(({ workers }) => workers === here, JOINED_MS);
    missing.push(now);
    tell(`${here} tabs are here, ${now} more are needed`);
  }
  const ready = await when(({ models: [{ ready: isReady }] }) => isReady, READY_MS);
  const readySeconds = (performance.now() - started) / 1000;
  const placed = ready.models[0].stages;
  tell(`${placed.length} tabs hold ${placed.map(({ layers: [from, to] }) => to - from).join(' + ')} layers, ready ${readySeconds.toFixed(0)} s after they were opened; missing as they came: ${missing.join(' ')}`);
  await sleep(SETTLE_MS, undefined, { signal });
  const memories = async (): Promise<readonly RendererMemory[]> => (await Promise.all(browsers.map((each) => each.memory()))).flat().filter((each) => each !== undefined);
  const settled = await memories();

  await answerOf(coordinator, ask(questions[0] ?? '', WARM_UP_TOKENS));
  const first = (await answerOf(coordinator, ask(questions[0] ?? '', tokens))).evidence;
  const faults = await faultsOf(first);
  if (faults.length > 0) throw new Error(`the evidence does not hold: ${faults.join('; ')}`);
  const rate = first.tokens_per_second;
  tell(`${tokens} tokens at ${String(rate)} a second, committed and signed by ${first.stages.length} stages`);
  // Before one of them is gone with all that is known of it.
  const before = await memories();

  const victim = placed[Math.floor(placed.length / 2)]?.worker;
  const page = await pageOf(browsers.flatMap(({ pages }) => pages), victim);
  const pid = await rendererPid(page);
  const disturbed = await askAndDisturb(coordinator, ask(questions[1] ?? '', tokens), KILL_AFTER, async () => void process.kill(pid, 'SIGKILL'));
  const { answer, times, disturbedAt } = disturbed;
  const jobs = answer.ok ? await evidenceOfAnswer(coordinator, answer.job) : [];
  const ids = [first.token_ids, idsOfAnswer(jobs)];
  const stall = disturbedAt === undefined ? undefined : stallOf(times, disturbedAt);
  tell(answer.ok ? `a tab was killed after ${KILL_AFTER} pieces; the answer went on after ${((stall ?? Number.NaN) / 1000).toFixed(1)} s, over ${jobs.length} jobs` : `a tab was killed, and the answer with it: ${answer.error.message}`);
  const after = await memories();

  const equal = ids.map((each, index) => equalIds(each, native[index]?.ids ?? []));
  const peaks = new Map([...settled, ...before, ...after].map(({ pid: of, peakBytes }) => [of, megabytes(peakBytes)]));
  return {
    rows: [
      { figure: 'tabs missing as they came, one alone first', unit: '', values: missing },
      { figure: 'layers of each tab, in stage order', unit: '', values: placed.map(({ layers: [from, to] }) => to - from) },
      { figure: 'all tabs opened to every stage ready', unit: 's', values: [readySeconds] },
      { figure: `renderer ${SETTLE_MS / 1000} s after load, resident`, unit: 'MB', values: settled.map(({ residentBytes }) => megabytes(residentBytes)) },
      { figure: 'renderer, peak of the whole run', unit: 'MB', values: [...peaks.values()] },
      { figure: `tokens/s, ${tokens} tokens greedy, audits left to other devices`, unit: '1/s', values: [rate] },
      { figure: 'ids equal to the native library\'s, each answer', unit: '', values: equal },
      { figure: 'longest pause after a tab was killed, the spare loads first', unit: 's', values: [(stall ?? Number.NaN) / 1000] },
    ],
    tabs: first.stages.length,
    peakMb: Math.max(...peaks.values()),
    tokensEqual: equal.reduce((sum, each) => sum + each, 0) / (native.length * tokens),
    tokensPerSecond: rate,
    killSurvived: answer.ok && jobs.length > 1 && equal[1] === tokens,
  };
}

const equalIds = (ids: readonly number[], reference: readonly number[]): number => reference.filter((id, index) => ids[index] === id).length;

/** The tab of a worker. */
async function pageOf(pages: readonly Page[], worker: string | undefined): Promise<Page> {
  for (const page of pages) if ((await browserStatus(page)).node_id === worker) return page;
  throw new Error(`no tab is worker ${String(worker)}`);
}
