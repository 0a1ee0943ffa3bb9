import { setTimeout as sleep } from 'node:timers/promises';
import { rendererPid } from '../../signaling/src/volunteers/renderer-memory.ts';
import { browserInState, browserStatus, isStandingBy } from './browser-status.ts';
import { clearTab, endFrozen, endTab } from './tab-death.ts';
import type { Browser as Chromium, Page } from 'playwright-core';
import type { Volunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { BrowserStatus } from './browser-status.ts';
import type { TabDeath, VolunteerTab } from './tab-death.ts';

/** Cold loading of layers on two shared cores, by several tabs at the same time. */
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

/** A tab with what its page says of itself. */
export interface SeenTab {
  readonly tab: VolunteerTab;
  readonly status: BrowserStatus;
}

/** What the tabs of a network are doing now: those of the ring in stage order, and the others. */
export interface SeenTabs {
  readonly ring: readonly SeenTab[];
  readonly spares: readonly SeenTab[];
}

/** The volunteers of a network that are there now, in one browser: they come and go while a test looks on. Disposed of before the browser. */
export class VolunteerTabs implements Disposable {
  readonly #browser: Chromium;
  readonly #address: string;
  readonly #frozen = new Set<VolunteerTab>();
  #tabs: readonly VolunteerTab[];

  private constructor(browser: Chromium, address: string, tabs: readonly VolunteerTab[]) {
    this.#browser = browser;
    this.#address = address;
    this.#tabs = tabs;
  }

  /** Those that were launched, to begin with; later ones open the same address in the same browser. */
  static async of({ pages }: Volunteers): Promise<VolunteerTabs> {
    const [first] = pages;
    const browser = first?.context().browser();
    if (first === undefined || browser == null) throw new Error('there is no volunteer, or its browser is gone');
    const tabs: VolunteerTab[] = [];
    // One after the other: a browser tells of one process at a time.
    for (const page of pages) tabs.push({ page, pid: await rendererPid(page) });
    return new VolunteerTabs(browser, first.url(), tabs);
  }

  /** A new volunteer with empty storage; it loads what it is given in its own time. */
  async open(): Promise<VolunteerTab> {
    const page: Page = await (await this.#browser.newContext()).newPage();
    await page.goto(this.#address);
    await browserInState(page, 'measuring', 'waiting', 'loading', 'ready');
    const tab = { page, pid: await rendererPid(page) };
    this.#tabs = [...this.#tabs, tab];
    return tab;
  }

  /** Takes a tab away in that way. */
  async lose(tab: VolunteerTab, death: TabDeath): Promise<void> {
    this.#tabs = this.#tabs.filter((each) => each !== tab);
    if (death === 'frozen') this.#frozen.add(tab);
    await endTab(tab, death);
  }

  /** Puts a new tab in the place of one that was lost. */
  async replace(lost: VolunteerTab): Promise<VolunteerTab> {
    if (this.#frozen.delete(lost)) endFrozen(lost);
    await clearTab(lost);
    return this.open();
  }

  /** Closes a tab whose leaving nobody looks at. */
  async dismiss(tab: VolunteerTab): Promise<void> {
    this.#tabs = this.#tabs.filter((each) => each !== tab);
    await clearTab(tab);
  }

  async see(): Promise<SeenTabs> {
    const seen = await Promise.all(this.#tabs.map(async (tab) => ({ tab, status: await browserStatus(tab.page) })));
    const from = ({ status }: SeenTab): number => status.layers?.[0] ?? Number.POSITIVE_INFINITY;
    const ring = seen.filter(({ status }) => status.layers !== null).sort((a, b) => from(a) - from(b));
    return { ring, spares: seen.filter(({ status }) => status.layers === null) };
  }

  /** Waits until so many stages are loaded and so many spares stand by with layers; throws with what the tabs do instead. */
  async ready(stages: number, standby: number): Promise<SeenTabs> {
    for (const deadline = performance.now() + READY_TIMEOUT_MS; ; await sleep(POLL_MS)) {
      const seen = await this.see();
      const loaded = seen.ring.filter(({ status }) => status.state.kind === 'ready').length;
      const standing = seen.spares.filter(({ status }) => isStandingBy(status)).length;
      if (loaded === stages && standing >= standby) return seen;
      if (performance.now() < deadline) continue;
      const said = [...seen.ring, ...seen.spares].map(({ status: { state, layers, standby: range } }) => JSON.stringify({ state, layers, standby: range }));
      throw new Error(`${loaded} of ${stages} stages are loaded and ${standing} of ${standby} spares stand by after ${READY_TIMEOUT_MS / 1000} s:\n${said.join('\n')}`);
    }
  }

  /** Ends what no browser can end. */
  [Symbol.dispose](): void {
    for (const tab of this.#frozen) endFrozen(tab);
    this.#frozen.clear();
  }
}
