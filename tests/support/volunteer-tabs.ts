import { setTimeout as sleep } from 'node:timers/promises';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { browserStatus, isStandingBy } from './browser-status.ts';
import { endTab, tabOf } from './tab-death.ts';
import type { LaunchOptions, VolunteerProblem } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../../signaling/src/volunteers/volunteer-launch.ts';
import type { BrowserStatus } from './browser-status.ts';
import type { TabDeath, VolunteerTab } from './tab-death.ts';

/** Cold loading of layers on two shared cores, by several tabs at the same time, or a software GPU that is qualified first. */
const READY_TIMEOUT_MS = 240_000;
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

/** Volunteers that come and go while a test looks on, each in a browser of its own: as far apart as on machines of their own. */
export class VolunteerTabs implements AsyncDisposable {
  readonly problems: VolunteerProblem[] = [];
  readonly #options: Pick<LaunchOptions, 'browser' | 'url' | 'signal' | 'prepare' | 'maxDrafts'>;
  #opened = 0;
  #here: readonly VolunteerTab[] = [];
  /** Those that were lost and are not cleared away yet, with what lets go of their processes. */
  readonly #lost = new Map<VolunteerTab, () => void>();

  constructor(options: Pick<LaunchOptions, 'browser' | 'url' | 'signal' | 'prepare' | 'maxDrafts'>) {
    this.#options = options;
  }

  /** A new volunteer with an empty browser; it loads what it is given in its own time. */
  async open(engine: VolunteerEngine = 'wasm'): Promise<VolunteerTab> {
    const volunteer = this.#opened++;
    const volunteers = await launchVolunteers({ ...this.#options, count: 1, engine, onProblem: (problem) => this.problems.push({ ...problem, volunteer }) });
    const tab = await tabOf(volunteers).catch(async (error: unknown) => {
      await volunteers.close();
      throw error;
    });
    this.#here = [...this.#here, tab];
    return tab;
  }

  /** Takes a tab away in that way. */
  async lose(tab: VolunteerTab, death: TabDeath): Promise<void> {
    this.#here = this.#here.filter((each) => each !== tab);
    this.#lost.set(tab, () => undefined);
    this.#lost.set(tab, await endTab(tab, death));
  }

  /** Closes what is left of lost tabs. */
  async clear(): Promise<void> {
    for (const [tab, release] of this.#lost) {
      this.#lost.delete(tab);
      release();
      await tab[Symbol.asyncDispose]();
    }
  }

  async see(): Promise<SeenTabs> {
    const seen = await Promise.all(this.#here.map(async (tab) => ({ tab, status: await browserStatus(tab.page) })));
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    await Promise.all(this.#here.map((tab) => tab[Symbol.asyncDispose]()));
    this.#here = [];
  }
}
