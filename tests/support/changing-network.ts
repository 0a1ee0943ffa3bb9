import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '../../signaling/src/main.ts';
import { fetchDefaultModel } from '../../signaling/src/models/fetch-default-model.ts';
import { ModelRegistry } from '../../signaling/src/models/model-registry.ts';
import { buildPage, PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { readyDatabase } from './ready-database.ts';
import { VolunteerTabs } from './volunteer-tabs.ts';
import type { Coordinator } from '../../signaling/src/main.ts';
import type { LaunchOptions } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../../signaling/src/volunteers/volunteer-launch.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';

/** A coordinator in this process with the real model, and volunteers that a test may lose and replace. */
export interface ChangingNetwork extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly tabs: VolunteerTabs;
}

export interface ChangingNetworkWish extends Pick<LaunchOptions, 'prepare'> {
  readonly stages: number;
  readonly spares: number;
  /** Engines of the first tabs; those after them take WASM. */
  readonly engines?: readonly VolunteerEngine[];
  /** Tabs of these that the test opens itself, in another browser. */
  readonly elsewhere?: number;
  /** Share of stage-jobs that are audited; hardly ever one when absent. */
  readonly auditRate?: number;
}

/** Opens one on a free port with an empty database, and a tab for every stage and spare. */
export async function openChangingNetwork(browser: Browser, { stages, spares, engines = [], elsewhere = 0, auditRate = HARDLY_EVER, prepare }: ChangingNetworkWish): Promise<ChangingNetwork> {
  const { signal } = new AbortController();
  await using opening = new AsyncDisposableStack();
  await buildPage({ signal });
  const models = new ModelRegistry();
  await models.add(await fetchDefaultModel({ signal }));
  const dataDir = await readyDatabase(await mkdtemp(join(tmpdir(), 'ciro-changing-')));
  opening.defer(() => rm(dataDir, { recursive: true, force: true }));
  const volunteers = stages + spares;
  const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir, models, stages, expectWorkers: volunteers, webDist: PAGE_FOLDER, auditRate });
  opening.defer(() => coordinator.close());
  const tabs = opening.use(new VolunteerTabs({ browser, url: coordinator.url, signal, ...(prepare && { prepare }) }));
  await Promise.all(Array.from({ length: volunteers - elsewhere }, (_, tab) => tabs.open(engines[tab])));
  const opened = opening.move();
  return { coordinator, tabs, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
