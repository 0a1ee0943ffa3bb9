import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { startChild } from '../coordinator/child-program.ts';
import { Loaded, Simulating } from '../coordinator/messages.ts';
import { limitProcessor } from './limit-processor.ts';
import { BenchError } from '../result.ts';
import type { AddressInfo } from 'node:net';
import type { ChildProgram } from '../coordinator/child-program.ts';

const LAYERS = 30;
const STAGES = 3;
const LOOK_MS = 250;
const READY_MS = 120_000;
const PROGRAMS = join(import.meta.dirname, '..', 'coordinator');

const Health = v.object({ connections: v.number(), instances: v.array(v.object({ number: v.number(), workers: v.number(), rings: v.number() })) });

/** Coordinators over one database, each in a process of its own, and workers that come by all of them. */
export interface Instances {
  readonly urls: readonly string[];
  readonly coordinators: readonly ChildProgram[];
  readonly simulation: ChildProgram;
}

/** Starts `count` of them, each with `cores` of one core, and waits until so many workers are joined and each has rings. */
export async function openInstances({ count, cores, workers, seed, databaseUrl }: { readonly count: number; readonly cores: number; readonly workers: number; readonly seed: number; readonly databaseUrl: string }, open: AsyncDisposableStack, signal: AbortSignal): Promise<Instances> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ciro-instances-'));
  open.defer(() => rm(dataDir, { recursive: true, force: true }));
  const coordinators: ChildProgram[] = [];
  const urls: string[] = [];
  let layerBytes = 0;
  for (let index = 0; index < count; index++) {
    const folder = await mkdtemp(join(tmpdir(), 'ciro-instance-'));
    open.defer(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const child = startChild(join(PROGRAMS, 'serve-loaded.ts'), { folder, dataDir, port, isInstance: true, stages: STAGES, layers: LAYERS, databaseUrl }, signal);
    const limit = await limitProcessor(child.pid, cores);
    if ('missing' in limit) throw new BenchError(limit.missing);
    open.use(limit);
    coordinators.push(open.use(child));
    const serving = await child.heard(Loaded);
    urls.push(serving.url);
    ({ layerBytes } = serving);
  }
  const simulation = open.use(startChild(join(PROGRAMS, 'simulate-workers.ts'), { url: urls[0], urls, seed, workers, layerBytes, changeEveryMs: 0, alike: true, comesBack: true }, signal));
  await simulation.heard(Simulating);
  for (const deadline = performance.now() + READY_MS; ; await sleep(LOOK_MS, undefined, { signal })) {
    const { instances } = v.parse(Health, await (await fetch(new URL('/health', urls[0]))).json());
    if (instances.length === count && instances.every(({ rings }) => rings > 0) && instances.reduce((sum, each) => sum + each.workers, 0) === workers) break;
    if (performance.now() > deadline) throw new Error(`${count} coordinators had not all rings for ${workers} workers within ${READY_MS / 1000} s; /health tells ${JSON.stringify(instances)}`);
  }
  return { urls, coordinators, simulation };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
