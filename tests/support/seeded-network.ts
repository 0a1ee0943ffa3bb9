import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCoordinator } from '../../signaling/src/main.ts';
import { buildPage, PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { readyDatabase } from './ready-database.ts';
import { seededModels } from './seeded-models.ts';
import type { Page } from 'playwright-core';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { VolunteerProblem } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { Coordinator } from '../../signaling/src/main.ts';

/** Tabs that are opened together: more that start their engines at the same time keep each other from answering. */
const TOGETHER = 2;
/** Cold start of a browser and its tabs on two shared cores. */
const JOIN_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

/** A coordinator in this process with a seeded model that computes in no time, and many volunteers. */
export interface SeededNetwork extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly pages: readonly Page[];
  readonly problems: readonly VolunteerProblem[];
}

/**
 * Opens one on a free port with an empty database. Tabs measure themselves while others start: however slow they say they are, they are rings like any other, and none is so much quicker that
 * it gets two jobs. They draft nothing: answers of a seeded model repeat themselves, and would be over in a few laps.
 */
export async function openSeededNetwork(browser: Browser, { stages, volunteers }: { readonly stages: number; readonly volunteers: number }): Promise<SeededNetwork> {
  const { signal } = new AbortController();
  await using opening = new AsyncDisposableStack();
  await buildPage({ signal });
  const folder = await mkdtemp(join(tmpdir(), 'ciro-seeded-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const { models } = await seededModels(folder);
  const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir: await readyDatabase(join(folder, 'data')), models, stages, expectWorkers: volunteers, webDist: PAGE_FOLDER, leastRingSpeed: 0, maxRunning: 1, auditRate: HARDLY_EVER });
  opening.defer(() => coordinator.close());
  const pages: Page[] = [];
  const problems: VolunteerProblem[] = [];
  while (pages.length < volunteers) {
    const count = Math.min(TOGETHER, volunteers - pages.length);
    const before = pages.length;
    const launched = opening.use(await launchVolunteers({ browser, url: coordinator.url, count, engine: 'wasm', maxDrafts: 0, signal, onProblem: (problem) => problems.push({ ...problem, volunteer: before + problem.volunteer }) }));
    pages.push(...launched.pages);
    for (const deadline = performance.now() + JOIN_TIMEOUT_MS; coordinator.status().workers < pages.length; await sleep(POLL_MS)) {
      if (performance.now() > deadline) throw new Error(`${coordinator.status().workers} of ${pages.length} tabs joined within ${JOIN_TIMEOUT_MS / 1000} s: ${problems.map(({ volunteer, text }) => `tab ${volunteer}: ${text}`).join('; ')}`);
    }
  }
  const opened = opening.move();
  return { coordinator, pages, problems, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
