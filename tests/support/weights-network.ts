import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '../../signaling/src/main.ts';
import { buildPage, PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { readyDatabase } from './ready-database.ts';
import { seededModels } from './seeded-models.ts';
import { VolunteerTabs } from './volunteer-tabs.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { LaunchOptions } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { ChangingNetwork } from './changing-network.ts';

export interface WeightsNetwork extends ChangingNetwork {
  /** Bytes of all shards. */
  readonly modelBytes: number;
}

/** A coordinator in this process with a seeded model of 44 MB, one stage, and two volunteers that hold all of it. */
export async function openWeightsNetwork(browser: Browser, { prepare, publicFile }: Pick<LaunchOptions, 'prepare'> & { readonly publicFile?: (path: string) => Promise<string> } = {}): Promise<WeightsNetwork> {
  const { signal } = new AbortController();
  await using opening = new AsyncDisposableStack();
  await buildPage({ signal });
  const folder = await mkdtemp(join(tmpdir(), 'ciro-weights-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const { models, model, path } = await seededModels(folder);
  const publicFiles = publicFile === undefined ? {} : { publicFiles: [await publicFile(path)] };
  const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir: await readyDatabase(join(folder, 'data')), models, stages: 1, expectWorkers: 2, webDist: PAGE_FOLDER, auditRate: HARDLY_EVER, ...publicFiles });
  opening.defer(() => coordinator.close());
  const tabs = opening.use(new VolunteerTabs({ browser, url: coordinator.url, signal, ...(prepare && { prepare }) }));
  await Promise.all([tabs.open(), tabs.open()]);
  await tabs.ready(1, 1);
  const opened = opening.move();
  return { coordinator, tabs, modelBytes: model.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
