import { setTimeout as sleep } from 'node:timers/promises';
import { launchVolunteers } from '../signaling/src/volunteers/launch-volunteers.ts';
import { browserInState, browserStatus } from '../tests/support/browser-status.ts';
import { figureRow, megabytes, median } from './figures/figure.ts';
import { startCoordinatorProcess } from './network/coordinator-process.ts';
import { openThrottledLine } from './throttle/throttled-line.ts';
import type { Page } from 'playwright-core';
import type { BrowserStatus } from '../tests/support/browser-status.ts';
import type { FigureRow } from './figures/figure.ts';
import type { BenchNetwork, Parts } from './network/bench-network.ts';
import type { EvenTabs } from './network/even-tabs.ts';

/** What a volunteer's line carries in the promise about cold tabs. */
const COLD_MEGABITS_PER_SECOND = 20;
const STAGES = 3;
/** Pages renew what they tell of themselves four times a second. */
const FIGURES_MS = 400;
const RELOADS = 3;

export interface Joins {
  readonly rows: readonly FigureRow[];
  readonly joinMs: number;
  readonly readyMs: number;
}

const layersOf = ({ layers }: BrowserStatus): string => (layers === null ? 'spare' : `layers ${layers.join('–')}`);

/** Figures of a page that has its shards: they follow the state by a moment. */
async function readyStatus(page: Page): Promise<BrowserStatus> {
  await browserInState(page, 'ready', 'serving');
  await sleep(FIGURES_MS);
  return browserStatus(page);
}

/**
 * Reloads one tab after the other, each with its shards in Cache Storage: what a volunteer who comes back waits for. While it
 * is away the layers may be dealt out anew; a tab that came back to layers it never had is reloaded once more.
 */
export async function reloadTabs(tabs: EvenTabs): Promise<Joins> {
  const statuses: BrowserStatus[] = [];
  for (const page of tabs.pages) {
    let status: BrowserStatus | undefined;
    for (let attempt = 0; attempt < RELOADS && status?.bytes.downloaded !== 0; attempt++) {
      await tabs.ready();
      await page.reload();
      status = await readyStatus(page);
    }
    if (status?.bytes.downloaded !== 0) throw new Error(`a reloaded tab fetches its shards again, ${RELOADS} times: its cache does not serve`);
    statuses.push(status);
  }
  return joinsOf('reloaded, shards cached', statuses, []);
}

/** Three tabs with empty browsers, each behind a line of its own; the worst of them counts. */
export async function joinCold({ browser, modelPath, signal }: Parts): Promise<Joins> {
  await using stack = new AsyncDisposableStack();
  const coordinator = stack.use(await startCoordinatorProcess({ modelPath, stages: STAGES, expectWorkers: STAGES }, signal));
  const tabs = await Promise.all(
    Array.from({ length: STAGES }, async () => {
      const line = stack.use(await openThrottledLine(coordinator.url, COLD_MEGABITS_PER_SECOND));
      return { line, volunteers: stack.use(await launchVolunteers({ browser, url: line.url, count: 1, engine: 'wasm', signal })) };
    }),
  );
  await coordinator.ready();
  const statuses = await Promise.all(tabs.flatMap(({ volunteers }) => volunteers.pages.map(readyStatus)));
  const what = `cold, ${COLD_MEGABITS_PER_SECOND} Mbit/s a tab`;
  return joinsOf(what, statuses, statuses.map((status, tab) => figureRow('came over the line', `${what}, ${layersOf(status)}`, 'MB', [megabytes(tabs[tab]?.line.passedBytes ?? Number.NaN)])));
}

/** Times of tabs that were opened over loopback with nothing cached. */
export async function firstJoins(network: BenchNetwork): Promise<Joins> {
  return joinsOf('first opened, loopback', await Promise.all(network.volunteers.pages.map(readyStatus)), []);
}

function joinsOf(what: string, statuses: readonly BrowserStatus[], more: readonly FigureRow[]): Joins {
  const joins = statuses.map(({ timings }) => timings.join_ms ?? Number.NaN);
  const readies = statuses.map(({ timings }) => timings.ready_ms ?? Number.NaN);
  return {
    rows: [figureRow('link open to joined', what, 'ms', joins), ...statuses.map((status, tab) => figureRow('link open to ready', `${what}, ${layersOf(status)}`, 'ms', [readies[tab] ?? Number.NaN])), ...more],
    joinMs: median(joins),
    readyMs: Math.max(...readies),
  };
}
