import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '../../signaling/src/main.ts';
import { fetchDefaultModel } from '../../signaling/src/models/fetch-default-model.ts';
import { ModelRegistry } from '../../signaling/src/models/model-registry.ts';
import { buildPage, PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { readyDatabase } from './ready-database.ts';
import { seededModels } from './seeded-models.ts';
import { VolunteerTabs } from './volunteer-tabs.ts';
import type { Coordinator } from '../../signaling/src/main.ts';
import type { LaunchOptions } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../../signaling/src/volunteers/volunteer-launch.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';

/** A coordinator in this process, and volunteers that a test may lose and replace. */
export interface ChangingNetwork extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly tabs: VolunteerTabs;
}

export interface ChangingNetworkWish extends Pick<LaunchOptions, 'prepare' | 'maxDrafts'> {
  /** A seeded model that computes in no time instead of the real one. */
  readonly seeded?: boolean;
  readonly stages: number;
  readonly spares: number;
  /** Engines of the first tabs; those after them take WASM. */
  readonly engines?: readonly VolunteerEngine[];
  /** Tabs of these that the test opens itself, in another browser. */
  readonly elsewhere?: number;
  /** Share of stage-jobs that are audited; hardly ever one when absent. */
  readonly auditRate?: number;
}

async function realModels(signal: AbortSignal): Promise<ModelRegistry> {
  const models = new ModelRegistry();
  await models.add(await fetchDefaultModel({ signal }));
  return models;
}

/** Opens one on a free port with an empty database, and a tab for every stage and spare. */
export async function openChangingNetwork(browser: Browser, { stages, spares, engines = [], elsewhere = 0, auditRate = HARDLY_EVER, seeded = false, prepare, maxDrafts }: ChangingNetworkWish): Promise<ChangingNetwork> {
  const { signal } = new AbortController();
  await using opening = new AsyncDisposableStack();
  await buildPage({ signal });
  const folder = await mkdtemp(join(tmpdir(), 'ciro-changing-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const models = seeded ? (await seededModels(folder)).models : await realModels(signal);
  const dataDir = await readyDatabase(join(folder, 'data'));
  const volunteers = stages + spares;
  const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir, models, stages, expectWorkers: volunteers, webDist: PAGE_FOLDER, auditRate });
  opening.defer(() => coordinator.close());
  const tabs = opening.use(new VolunteerTabs({ browser, url: coordinator.url, signal, ...(prepare && { prepare }), ...(maxDrafts !== undefined && { maxDrafts }) }));
  await Promise.all(Array.from({ length: volunteers - elsewhere }, (_, tab) => tabs.open(engines[tab])));
  const opened = opening.move();
  return { coordinator, tabs, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
