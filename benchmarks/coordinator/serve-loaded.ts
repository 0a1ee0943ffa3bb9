/** The whole coordinator over a model that nothing computes, in a process of its own. Ends with its parent. */
import { once } from 'node:events';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as v from 'valibot';
import { startCoordinator } from '../../signaling/src/main.ts';
import { cutBytes } from '../../signaling/src/scheduler/cut-layers.ts';
import { modelFootprint } from '../../signaling/src/scheduler/model-footprint.ts';
import { RESERVED_POSITIONS } from '../../signaling/src/scheduler/scheduler-limits.ts';
import { fabricatedModel } from '../../tests/support/audited-network.ts';
import { scriptedReference } from '../../tests/support/scripted-auditor.ts';
import { ProcessorTime } from './child-program.ts';
import { BEGIN, LoadedOptions, REPORT } from './messages.ts';
import type { Loaded, LoadedReport } from './messages.ts';

const NANOSECONDS = 1e6;
const { folder, stages, layers, databaseUrl, maxRings, port, dataDir = join(folder, 'data'), isInstance } = v.parse(LoadedOptions, JSON.parse(process.argv[2] ?? ''));
const model = await fabricatedModel(folder, layers);
const models = { list: () => [model], get: (name: string) => (name === 'default' || name === model.id ? model : undefined) };

const processor = new ProcessorTime();
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();
const times = { job: [] as number[], placement: [] as number[], setUp: [] as number[], waited: [] as number[] };

const coordinator = await startCoordinator({
  port,
  host: '127.0.0.1',
  dataDir,
  ...(isInstance && { instanceUrl: `http://127.0.0.1:${port}` }),
  models,
  stages,
  reference: scriptedReference,
  ...(databaseUrl && { databaseUrl }),
  ...(maxRings !== undefined && { maxRings }),
  times: {
    decided: (what, ms) => void times[what].push(ms),
    setUp(ms, waitedMs) {
      times.setUp.push(ms);
      times.waited.push(waitedMs);
    },
  },
});

const parentGone = new AbortController();
process.once('disconnect', () => parentGone.abort());
process.on('message', (message) => {
  if (message === BEGIN) {
    for (const list of Object.values(times)) list.length = 0;
    loop.reset();
    processor.begin();
  }
  if (message !== REPORT) return;
  const { job: jobMs, placement: placementMs, setUp: setUpMs, waited: waitedMs } = times;
  const report: LoadedReport = { say: 'report', ...processor.report(), jobMs, placementMs, setUpMs, waitedMs, loopP99Ms: loop.percentile(99) / NANOSECONDS, loopMostMs: loop.max / NANOSECONDS };
  process.send?.(report);
});
const footprint = modelFootprint(model.manifest);
const serving: v.InferOutput<typeof Loaded> = { say: 'serving', url: coordinator.url, layerBytes: cutBytes(1, 2, footprint, RESERVED_POSITIONS) };
process.send?.(serving);
if (!parentGone.signal.aborted) await once(parentGone.signal, 'abort');
await coordinator.close();
