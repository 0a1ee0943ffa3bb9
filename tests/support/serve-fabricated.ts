/** The whole coordinator over a model that nothing computes, in a process of its own. Ends with its parent, or is killed by it. */
import { once } from 'node:events';
import { join } from 'node:path';
import * as v from 'valibot';
import { startCoordinator } from '../../signaling/src/main.ts';
import { fabricatedModel } from './audited-network.ts';
import { FabricatedOptions } from './killed-coordinator.ts';
import { scriptedReference } from './scripted-auditor.ts';

const { folder, port, stages, expectWorkers } = v.parse(FabricatedOptions, JSON.parse(process.argv[2] ?? ''));
const model = await fabricatedModel(folder);
const models = { list: () => [model], get: (name: string) => (name === 'default' || name === model.id ? model : undefined) };
const coordinator = await startCoordinator({ port, host: '127.0.0.1', dataDir: join(folder, 'data'), models, stages, expectWorkers, reference: scriptedReference });
process.send?.({ url: coordinator.url, trialKey: coordinator.trialKey });
await once(process, 'disconnect');
await coordinator.close();
