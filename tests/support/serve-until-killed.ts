/** The whole coordinator in a process of its own, over the default model or one that nothing computes. Ends with its parent, as `npm start` does at SIGTERM, or is killed by it. */
import { once } from 'node:events';
import { join } from 'node:path';
import * as v from 'valibot';
import { drain } from '../../signaling/src/cli/drain.ts';
import { startCoordinator } from '../../signaling/src/main.ts';
import { fetchDefaultModel } from '../../signaling/src/models/fetch-default-model.ts';
import { ModelRegistry } from '../../signaling/src/models/model-registry.ts';
import { PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { fabricatedModel } from './audited-network.ts';
import { KilledOptions } from './killed-coordinator.ts';
import { readyDatabase } from './ready-database.ts';
import { scriptedReference } from './scripted-auditor.ts';
import type { CoordinatorModels } from '../../signaling/src/coordinator-models.ts';

const { folder, port, stages, expectWorkers, fabricated, databaseUrl } = v.parse(KilledOptions, JSON.parse(process.argv[2] ?? ''));

async function modelsToServe(): Promise<CoordinatorModels> {
  if (fabricated) {
    const model = await fabricatedModel(folder);
    return { list: () => [model], get: (name: string) => (name === 'default' || name === model.id ? model : undefined) };
  }
  const models = new ModelRegistry();
  await models.add(await fetchDefaultModel({ signal: new AbortController().signal }));
  return models;
}

const models = await modelsToServe();
const dataDir = join(folder, 'data');
if (databaseUrl === undefined) await readyDatabase(dataDir);
const coordinator = await startCoordinator({ port, host: '127.0.0.1', dataDir, models, stages, expectWorkers, ...(databaseUrl && { databaseUrl, instanceUrl: `http://127.0.0.1:${port}` }), ...(fabricated ? { reference: scriptedReference } : { webDist: PAGE_FOLDER, auditRate: HARDLY_EVER }) });
process.send?.({ url: coordinator.url, trialKey: coordinator.trialKey });
const terminated = once(process, 'SIGTERM').then(() => drain(coordinator, () => undefined));
await Promise.race([once(process, 'disconnect'), terminated]);
await coordinator.close();
if (process.connected) process.disconnect();
