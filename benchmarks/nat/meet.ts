import { get } from 'node:https';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { browserStatus } from '../../tests/support/browser-status.ts';
import { watchLinks } from './link-watch.ts';
import type { IncomingMessage } from 'node:http';
import type { Page } from 'playwright-core';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { LinkTimes } from './link-watch.ts';
import type { Meeting } from './report.ts';

/** Loading two stages on shared cores, and all attempts at the link. */
const MEETING_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
/** A page reads its figures anew every five seconds. */
const SHOWN_TIMEOUT_MS = 10_000;

const Health = v.object({ workers: v.number(), links: v.array(v.object({ open: v.boolean(), route: v.string() })) });

export interface MeetingSite {
  /** Two, each behind its router. */
  readonly browsers: readonly Browser[];
  /** Where both find the coordinator. */
  readonly url: string;
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Opens a tab in each browser, sees how they reach each other, closes the pages and does so again, `count` times. */
export async function* meet({ browsers, url, count, signal }: MeetingSite): AsyncGenerator<Pick<Meeting, 'route' | 'shown' | 'connectMs'>> {
  await using stack = new AsyncDisposableStack();
  const times: LinkTimes[] = [];
  const launch = async (browser: Browser, index: number) => {
    const prepare: Parameters<typeof launchVolunteers>[0]['prepare'] = async (page) => void (times[index] = watchLinks(page));
    const volunteers = stack.use(await launchVolunteers({ browser, url, count: 1, engine: 'wasm', signal, ignoreCertificate: true, prepare }));
    const [page] = volunteers.pages;
    if (page === undefined) throw new Error('a browser opened no page');
    return page;
  };
  const pages = await Promise.all(browsers.map(launch));
  for (let meeting = 0; meeting < count; meeting++) {
    if (meeting > 0) {
      await Promise.all(pages.map((page) => page.goto('about:blank')));
      await until(url, signal, ({ workers }) => workers === 0);
      for (const each of times) each.askedAt = each.openAt = undefined;
      await Promise.all(pages.map((page) => page.goto(`${url}/#volunteer=1&engine=wasm`)));
    }
    const health = await until(url, signal, ({ links }) => links[0]?.open === true);
    const connectMs = Math.max(...times.map(({ openAt = Number.NaN }) => openAt)) - Math.min(...times.map(({ askedAt = Number.NaN }) => askedAt));
    const shown = await Promise.all(pages.map(shownRoute));
    yield { route: health?.links[0]?.route, shown, connectMs };
  }
}

/** The route that a page shows, once it shows one. */
async function shownRoute(page: Page): Promise<string> {
  for (const deadline = performance.now() + SHOWN_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const route = (await browserStatus(page)).links[0]?.route ?? 'none';
    if ((route !== 'none' && route !== 'unknown') || performance.now() > deadline) return route;
  }
}

/** What the coordinator says of itself, once that is so; undefined when it is not in time. Its certificate is its own. */
async function until(url: string, signal: AbortSignal, isSo: (health: v.InferOutput<typeof Health>) => boolean): Promise<v.InferOutput<typeof Health> | undefined> {
  const deadline = performance.now() + MEETING_TIMEOUT_MS;
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    const health = v.parse(Health, await healthOf(url));
    if (isSo(health)) return health;
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Not `fetch`: that trusts no certificate that was signed by itself. */
async function healthOf(url: string): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => get(`${url}/health`, { rejectUnauthorized: false }, resolve).once('error', reject));
  return json(response);
}
