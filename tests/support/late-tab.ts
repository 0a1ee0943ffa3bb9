import { setTimeout as sleep } from 'node:timers/promises';
import { openThrottledLine } from '../../benchmarks/throttle/throttled-line.ts';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { browserStatus } from './browser-status.ts';
import type { Page } from 'playwright-core';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { LaunchOptions } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { BrowserStatus } from './browser-status.ts';

/** The whole model over a slow line, on two shared cores. */
const LOAD_TIMEOUT_MS = 240_000;
const POLL_MS = 50;

/** A volunteer that comes when others hold the layers already; its line to the coordinator is slow, its neighbours are near. */
export interface LateTab extends AsyncDisposable {
  readonly page: Page;
  /** Bytes that came down its line to the coordinator. */
  readonly lineBytes: number;
  /** Waits until its page says so; gives what it said then. */
  until(what: string, holds: (status: BrowserStatus) => boolean): Promise<BrowserStatus>;
}

/** Opens it in a browser of its own. `megabitsPerSecond`: of everything that comes from the coordinator. */
export async function openLateTab(browser: Browser, url: string, megabitsPerSecond: number, options: Pick<LaunchOptions, 'prepare' | 'relayOnly'> = {}): Promise<LateTab> {
  await using opening = new AsyncDisposableStack();
  const line = opening.use(await openThrottledLine(url, megabitsPerSecond));
  const volunteers = opening.use(await launchVolunteers({ browser, url: line.url, count: 1, engine: 'wasm', signal: new AbortController().signal, ...options }));
  const [page] = volunteers.pages;
  if (page === undefined) throw new Error('no volunteer');
  const opened = opening.move();
  return {
    page,
    get lineBytes() {
      return line.passedBytes;
    },
    async until(what, holds) {
      for (const deadline = performance.now() + LOAD_TIMEOUT_MS; ; await sleep(POLL_MS)) {
        // While it is loaded anew the page has no program yet.
        const status = await browserStatus(page).catch(() => undefined);
        if (status !== undefined && holds(status)) return status;
        if (performance.now() > deadline) throw new Error(`the late tab is not ${what} after ${LOAD_TIMEOUT_MS / 1000} s but ${JSON.stringify(status)}`);
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
