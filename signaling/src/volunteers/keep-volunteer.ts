import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { switches } from './launch-volunteers.ts';
import { VolunteersError } from './volunteers-error.ts';
import type { Browser } from './browser.ts';
import type { VolunteerEngine } from './launch-volunteers.ts';

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
  const options = { executablePath: browser.path, headless: true, args: switches(engine), env: { ...process.env, ...browser.env }, timeout: OPEN_TIMEOUT_MS, handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  await using context = await chromium.launchPersistentContext(profile, options).catch((cause: unknown) => Promise.reject(broken('browser-failed', `${browser.path} did not start with the profile ${profile}`, cause)));
  const page = context.pages()[0] ?? (await context.newPage());
  const ended = new Promise<never>((_resolve, reject) => {
    page.once('crash', () => reject(broken('browser-failed', 'the tab crashed')));
    context.once('close', () => reject(broken('browser-failed', 'the browser ended')));
  });
  ended.catch(() => undefined); // told by whoever waits for it
  const address = new URL(url);
  address.hash = `volunteer=1&engine=${engine}${relayOnly ? '&relay=only' : ''}${memoryBytes === undefined ? '' : `&memory=${memoryBytes}`}`;
  const response = await page.goto(address.href, { waitUntil: 'domcontentloaded', timeout: OPEN_TIMEOUT_MS }).catch((cause: unknown) => Promise.reject(broken('page-unreachable', `${url} did not load`, cause)));
  if (response?.ok() === false) throw broken('page-unreachable', `${url} answered ${response.status()}`);
  for (let said = ''; !signal.aborted; ) {
    const status: unknown = await Promise.race([page.evaluate('globalThis.ciro?.status()').catch(() => undefined), ended]);
    const state = v.is(Told, status) ? status.state.kind : said;
    if (state !== said) onState(state);
    said = state;
    await Promise.race([pause(LOOK_MS, signal), ended]);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function broken(code: VolunteersError['code'], what: string, cause?: unknown): VolunteersError {
  const reason = cause instanceof Error ? `: ${cause.message.split('\n')[0]}` : '';
  return new VolunteersError(code, `${what}${reason}; start the worker again`, { fault: 'platform', ...(cause === undefined ? {} : { cause }) });
}
