import { chromium } from 'playwright-core';
import type { Browser as Chromium, ConsoleMessage, Page } from 'playwright-core';
import type { Browser } from './browser.ts';
import { readMemory, rendererPid } from './renderer-memory.ts';
import type { RendererMemory } from './renderer-memory.ts';
import { browserOptions, volunteerAddress } from './volunteer-launch.ts';
import { VolunteersError } from './volunteers-error.ts';
import type { VolunteerEngine, VolunteerWishes } from './volunteer-launch.ts';

/** A cold browser on two busy cores needs some seconds; a missing library shows at once. */
const LAUNCH_TIMEOUT_MS = 60_000;
/** The page is local and small; the engine loads after it. */
const PAGE_TIMEOUT_MS = 30_000;
/** Messages kept for a report; the oldest are dropped. */
const MAX_PROBLEMS = 200;

export interface LaunchOptions extends Omit<VolunteerWishes, 'engine'> {
  readonly browser: Browser;
  /** Address of the coordinator's page; volunteers open its origin. */
  readonly url: string;
  /** How many volunteers, each with a storage, a key and a renderer process of its own. */
  readonly count: number;
  readonly engine?: VolunteerEngine;
  /** Aborting closes the browser, during the launch or later. */
  readonly signal: AbortSignal;
  /** For a coordinator with a certificate that it signed itself. */
  readonly ignoreCertificate?: boolean;
  /** Called with each volunteer's page before it is opened, e.g. to serve it other scripts; `index` as in `pages`. */
  readonly prepare?: (page: Page, index: number) => Promise<void>;
  /** Told at once what is kept in `problems`. */
  readonly onProblem?: (problem: VolunteerProblem) => void;
}

/** An error that a page printed, an exception nobody caught, or the end of its process. */
export interface VolunteerProblem {
  /** Index into `pages`. */
  readonly volunteer: number;
  readonly kind: 'console' | 'exception' | 'crash';
  readonly text: string;
}

/** A browser with its volunteers. A page that crashes ends only itself: the others go on and `close` still works. */
export interface Volunteers extends AsyncDisposable {
  readonly pages: readonly Page[];
  readonly problems: readonly VolunteerProblem[];
  /** Memory of each volunteer's renderer, by index; undefined for a crashed one and on systems other than Linux. */
  memory(): Promise<readonly (RendererMemory | undefined)[]>;
  close(): Promise<void>;
}

async function launch({ browser, engine = 'auto', signal }: LaunchOptions): Promise<Chromium> {
  try {
    return await chromium.launch(browserOptions(browser, engine, LAUNCH_TIMEOUT_MS));
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new VolunteersError('browser-failed', `${browser.path} (${browser.version}) did not start: ${reason}. Name another one with CIRO_BROWSER, or CIRO_BROWSER=npm.`, {
      fault: 'platform',
      fields: { path: browser.path },
      cause,
    });
  }
}

/**
 * Opens `count` volunteers in one headless browser.
 * @throws VolunteersError `browser-failed`, `page-unreachable`; the signal's reason when aborted
 */
export async function launchVolunteers(options: LaunchOptions): Promise<Volunteers> {
  const { url, count, engine = 'auto', signal, onProblem } = options;
  signal.throwIfAborted();
  const chromiumProcess = await launch(options);
  const pages: Page[] = [];
  const problems: VolunteerProblem[] = [];
  const crashed = new Set<number>();
  const note = (problem: VolunteerProblem) => {
    if (problem.kind === 'crash') crashed.add(problem.volunteer);
    if (problems.push(problem) > MAX_PROBLEMS) problems.shift();
    onProblem?.(problem);
  };
  const close = async () => {
    signal.removeEventListener('abort', close);
    await chromiumProcess.close();
  };
  signal.addEventListener('abort', close);

  try {
    signal.throwIfAborted();
    for (let volunteer = 0; volunteer < count; volunteer += 1) {
      // A context of its own is what makes a volunteer: storage, cache and key are not shared, and Chromium gives it a process.
      const context = await chromiumProcess.newContext({ ignoreHTTPSErrors: options.ignoreCertificate === true });
      const page = await context.newPage();
      watch(page, volunteer, note);
      await options.prepare?.(page, volunteer);
      pages.push(page);
    }
    const address = volunteerAddress(url, { ...options, engine });
    await Promise.all(pages.map((page) => open(page, address)));
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw error;
  }

  // One trace at a time: a second call waits for the first.
  let measuring: Promise<unknown> = Promise.resolve();
  const measure = async () => {
    const found: (RendererMemory | undefined)[] = [];
    for (const [volunteer, page] of pages.entries()) found.push(crashed.has(volunteer) ? undefined : await readMemory(await rendererPid(page)));
    return found;
  };
  return {
    pages,
    problems,
    memory() {
      const next = measuring.then(measure, measure);
      measuring = next;
      return next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function watch(page: Page, volunteer: number, note: (problem: VolunteerProblem) => void): void {
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error') note({ volunteer, kind: 'console', text: message.text() });
  });
  page.on('pageerror', (error) => note({ volunteer, kind: 'exception', text: error.stack ?? error.message }));
  page.on('crash', () => note({ volunteer, kind: 'crash', text: `The process of volunteer ${volunteer} ended.` }));
}

async function open(page: Page, address: string): Promise<void> {
  try {
    const response = await page.goto(address, { waitUntil: 'domcontentloaded', timeout: PAGE_TIMEOUT_MS });
    if (response !== null && !response.ok()) throw new Error(`HTTP status ${response.status()}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new VolunteersError('page-unreachable', `${address} did not load: ${reason}. Is the coordinator running there, and is the page built (\`npm run build\`)?`, {
      fault: 'platform',
      fields: { address },
      cause,
    });
  }
}
