import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { browserOptions, volunteerAddress } from './volunteer-launch.ts';
import { VolunteersError } from './volunteers-error.ts';
import type { Browser } from './browser.ts';
import type { VolunteerEngine } from './volunteer-launch.ts';

/** A cold browser and a page over a slow line. */
const OPEN_TIMEOUT_MS = 120_000;
/** A state lasts seconds at least; a line for each change is enough for a log. */
const LOOK_MS = 5_000;

const Told = v.object({ state: v.looseObject({ kind: v.string() }) });

export interface KeptVolunteerOptions {
  readonly browser: Browser;
  /** Origin of the coordinator. */
  readonly url: string;
  readonly engine: VolunteerEngine;
  readonly memoryBytes: number | undefined;
  readonly relayOnly: boolean;
  /** Folder of the browser's profile: the tab's key, its earnings' account, and the model's layers. */
  readonly profile: string;
  /** Told each state of the page, once, in its own word. */
  readonly onState: (state: string) => void;
  readonly signal: AbortSignal;
}

/**
 * One tab in a browser of its own, whose profile is kept: it is the same worker at the next start. Resolves when the signal aborts; throws
 * `page-unreachable`, `browser-failed` when page or browser end by themselves.
 */
export async function keepVolunteer({ browser, url, engine, memoryBytes, relayOnly, profile, onState, signal }: KeptVolunteerOptions): Promise<void> {
  await mkdir(profile, { recursive: true, mode: 0o700 });
  await using context = await chromium
    .launchPersistentContext(profile, browserOptions(browser, engine, OPEN_TIMEOUT_MS))
    .catch((cause: unknown) => Promise.reject(broken('browser-failed', `${browser.path} did not start with the profile ${profile}`, cause)));
  const page = context.pages()[0] ?? (await context.newPage());
  const ended = new AbortController();
  page.once('crash', () => ended.abort(broken('browser-failed', 'the tab crashed')));
  context.once('close', () => ended.abort(broken('browser-failed', 'the browser ended')));
  const over = AbortSignal.any([signal, ended.signal]);
  const address = volunteerAddress(url, { engine, relayOnly, memoryBudgetBytes: memoryBytes });
  const response = await page.goto(address, { waitUntil: 'domcontentloaded', timeout: OPEN_TIMEOUT_MS }).catch((cause: unknown) => Promise.reject(broken('page-unreachable', `${url} did not load`, cause)));
  if (response?.ok() === false) throw broken('page-unreachable', `${url} answered ${response.status()}`);
  for (let said = ''; !over.aborted; ) {
    const status: unknown = await page.evaluate('globalThis.ciro?.status()').catch(() => undefined);
    const state = v.is(Told, status) ? status.state.kind : said;
    if (state !== said) onState(state);
    said = state;
    await sleep(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
  }
  if (!signal.aborted) ended.signal.throwIfAborted();
}

function broken(code: VolunteersError['code'], what: string, cause?: unknown): VolunteersError {
  const reason = cause instanceof Error ? `: ${cause.message.split('\n')[0]}` : '';
  return new VolunteersError(code, `${what}${reason}; start the worker again`, { fault: 'platform', ...(cause === undefined ? {} : { cause }) });
}
