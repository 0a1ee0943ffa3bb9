import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { buildPage } from '../../signaling/src/setup/build-page.ts';
import { KilledCoordinator } from '../support/killed-coordinator.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { evidenceOf } from '../support/network-question.ts';
import { VolunteerTabs } from '../support/volunteer-tabs.ts';
import type { Page } from 'playwright-core';
import type { Door } from '../support/network-question.ts';

const STAGES = 2;
const QUESTION = 'Tell a story about a lighthouse and a storm.';
/** Characters of the answer after which somebody is lost: so many ids take more than the second after which they are stored. */
const MIDDLE = 100;
/** A page is loaded, or tabs come back to a coordinator and open their links, on two shared cores; then the rest is drawn. */
const REST_TIMEOUT_MS = 120_000;

const browser = await browserHere();
let coordinator: KilledCoordinator;
let tabs: VolunteerTabs;
let page: Page;
/** Jobs that this page asked for. */
let asked: string[];

/** Text of the newest answer as a person sees it. */
const shown = async (): Promise<string> => (await page.locator('.answer-body').last().innerText({ timeout: 1_000 }).catch(() => ''));
const isOver = (): Promise<boolean> => page.locator('.log[aria-busy="false"] .answer-foot').last().isVisible();

/** Asks in the chat, and waits until some of the answer is there. */
async function askInPage(): Promise<string> {
  await page.goto(`${coordinator.door.url}/#chat`);
  await page.locator('#question').fill(QUESTION);
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await shown()).length, { timeout: REST_TIMEOUT_MS }).toBeGreaterThan(MIDDLE);
  return shown();
}

/** The key that the page opened for itself. */
async function doorOfPage(): Promise<Door> {
  const trialKey: unknown = await page.evaluate(() => new Promise((resolve) => {
    const opening = indexedDB.open('ciro');
    opening.onsuccess = () => {
      const reading = opening.result.transaction('settings').objectStore('settings').get('api-key');
      reading.onsuccess = () => resolve((reading.result as { value: unknown }).value);
    };
  }));
  return { url: coordinator.door.url, trialKey: String(trialKey) };
}

describe('an answer whose reader or coordinator is lost', () => {
  beforeAll(async () => {
    if (browser === undefined) return;
    const { signal } = new AbortController();
    await buildPage({ signal });
    coordinator = await KilledCoordinator.start({ stages: STAGES, expectWorkers: STAGES, fabricated: false });
    tabs = new VolunteerTabs({ browser, url: coordinator.door.url, signal });
    await Promise.all(Array.from({ length: STAGES }, () => tabs.open()));
  });
  beforeEach(async (test) => {
    needBrowser(test, browser);
    reportPages(test, tabs);
    const { ring: [first] } = await tabs.ready(STAGES, 0);
    const context = await (first?.tab.page.context().browser() ?? expect.unreachable('no browser')).newContext();
    page = await context.newPage();
    asked = [];
    page.on('response', (response) => {
      const job = response.headers()['x-ciro-job'];
      if (response.request().method() === 'POST' && job !== undefined) asked.push(job);
    });
    return () => context.close();
  });
  afterAll(async () => {
    await tabs?.[Symbol.asyncDispose]();
    await coordinator?.[Symbol.asyncDispose]();
  });

  it('G7: a page that is reloaded in the middle finds its answer again, with what came meanwhile, and asks nothing twice', async () => {
    const before = await askInPage();
    await page.reload();
    await expect.poll(isOver, { timeout: REST_TIMEOUT_MS }).toBe(true);
    expect((await shown()).startsWith(before.slice(0, MIDDLE))).toBe(true);
    expect(asked).toHaveLength(1);
    const evidence = await evidenceOf(await doorOfPage(), asked[0] ?? '');
    expect(evidence.plan.version).toBe(1);
    expect(await faultsOf(evidence)).toEqual([]);
  });

  it('G8: a coordinator that is killed in the middle goes on with the answer when it is started again: the page reads on, and pays once', async () => {
    const before = await askInPage();
    await coordinator.kill();
    await expect.poll(() => page.locator('p.waiting', { hasText: 'The coordinator is not reached' }).isVisible(), { timeout: REST_TIMEOUT_MS }).toBe(true);
    await coordinator.again();
    await expect.poll(isOver, { timeout: REST_TIMEOUT_MS }).toBe(true);
    expect((await shown()).startsWith(before.slice(0, MIDDLE))).toBe(true);
    expect(asked).toHaveLength(1);
    const evidence = await evidenceOf(await doorOfPage(), asked[0] ?? '');
    expect(evidence).toMatchObject({ continues: null, plan: { version: 4 } });
    expect(await faultsOf(evidence)).toEqual([]);
    expect(BigInt(evidence.ledger.debit)).toBe(price(LAUNCH_RATES, evidence.prompt_tokens, evidence.completion_tokens));
  });
});
