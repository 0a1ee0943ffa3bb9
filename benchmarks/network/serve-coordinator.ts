/** A coordinator in a process of its own, so that its memory and its share of the processor are its own. Ends with its parent. */
import { once } from 'node:events';
import * as v from 'valibot';
import { startCoordinator } from '../../signaling/src/main.ts';
import { ModelRegistry } from '../../signaling/src/models/model-registry.ts';
import { PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';
import { CoordinatorOptions, READY } from './coordinator-options.ts';
import type { Serving } from './coordinator-options.ts';

const { modelPath, databaseUrl, tls, ice, auditRate, ...options } = v.parse(CoordinatorOptions, JSON.parse(process.argv[2] ?? ''));
const models = new ModelRegistry();
await models.add(modelPath);
const coordinator = await startCoordinator({ port: 0, models, webDist: PAGE_FOLDER, ...options, ...(databaseUrl && { databaseUrl }), ...(tls && { tls }), ...(auditRate !== undefined && { auditRate }), ...(ice && { ice }) });
const parentGone = new AbortController();
process.once('disconnect', () => parentGone.abort());
process.on('message', (message) => {
  if (message === READY) void coordinator.whenReady(parentGone.signal).then(() => process.send?.(READY), () => undefined);
});
const serving: v.InferOutput<typeof Serving> = { say: 'serving', url: coordinator.url, trialKey: coordinator.trialKey };
process.send?.(serving);
if (!parentGone.signal.aborted) await once(parentGone.signal, 'abort');
await coordinator.close();
