/** A thousand workers in one process: real keys, sockets, commitments and audits over a fabricated model. Ends with its parent. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { auditing } from '../../tests/support/scripted-auditor.ts';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import { ScriptedWorker } from '../../tests/support/scripted-worker.ts';
import { ProcessorTime } from './child-program.ts';
import { BEGIN, REPORT, SimulationOptions } from './messages.ts';
import { computeMs, drawDevice, middleDevice } from './devices.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Device } from './devices.ts';
import type { Simulating, SimulationReport } from './messages.ts';

/** A coordinator lets so many connections in from one address, and no more than a few a second once the first have come. */
const PER_ADDRESS = 120;
/** Workers that join at a time: each one's greeting costs both sides a signature. */
const JOINING = 8;
const ATTEMPTS = 5;
/** Between two tries to come back. */
const AGAIN_MS = 200;

const { url, urls = [url], comesBack, seed, workers: count, layerBytes, changeEveryMs, alike } = v.parse(SimulationOptions, JSON.parse(process.argv[2] ?? ''));
const random = seededNumbers(seed, 'workers');
const processor = new ProcessorTime();
const workers = new Map<NodeId, ScriptedWorker>();
const complaints: Record<string, number> = {};
/** Workers of plans since the begin, and their rings. */
const served = new Set<string>();
const rings = new Set<string>();
let made = 0;
let left = 0;
let failedAttempts = 0;
const parentGone = new AbortController();
process.once('disconnect', () => parentGone.abort());

/** A tab that gets no connection, because both sides are busy, tries again. */
async function join(): Promise<void> {
  const index = made++;
  const device = alike ? middleDevice(layerBytes) : drawDevice(random, layerBytes);
  for (let attempt = 1; ; attempt++) {
    try {
      await connect(index, device);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      failedAttempts++;
    }
  }
}

async function connect(index: number, { profile, scale }: Device, url = urls[index % urls.length] as string): Promise<void> {
  const audits = auditing();
  const worker = await ScriptedWorker.connect({
    seed: index,
    url,
    workers,
    localAddress: `127.0.${1 + Math.floor(index / PER_ADDRESS / 250)}.${1 + (Math.floor(index / PER_ADDRESS) % 250)}`,
    profile,
    computeMs: (frame, layers) => computeMs(frame, layers, scale),
    keepsMessages: false,
    onMessage(message, to) {
      if (message.type === 'dropped' || message.type === 'refused') complaints[message.code] = (complaints[message.code] ?? 0) + 1;
      if (message.type === 'plan') {
        served.add(to.nodeId);
        rings.add(message.signed.plan.stages.map((stage) => stage.worker).join());
      }
      audits(message, to);
    },
  });
  try {
    await worker.message('welcome');
  } catch (error) {
    worker.vanish();
    throw error;
  }
  if (comesBack) void worker.over().then(() => comeBack(worker, index, { profile, scale }, url));
}

/** Its coordinator is gone: it comes by the next one, and the next, until one takes it. */
async function comeBack(worker: ScriptedWorker, index: number, device: Device, url: string): Promise<void> {
  if (workers.get(worker.nodeId) !== worker) return;
  worker.vanish();
  for (let at = urls.indexOf(url) + 1; !parentGone.signal.aborted; at++) {
    if (await connect(index, device, urls[at % urls.length]).then(() => true, () => false)) return;
    await sleep(AGAIN_MS, undefined, { signal: parentGone.signal }).catch(() => undefined);
  }
}

const began = performance.now();
let begun = 0;
await Promise.all(
  Array.from({ length: JOINING }, async () => {
    while (begun++ < count) await join();
  }),
);
const joined: v.InferOutput<typeof Simulating> = { say: 'joined', seconds: (performance.now() - began) / 1000 };
process.send?.(joined);

process.on('message', (message) => {
  if (message === BEGIN) {
    processor.begin();
    served.clear();
    rings.clear();
    if (changeEveryMs > 0) void change();
  }
  if (message !== REPORT) return;
  const all = [...workers.values()];
  const report: SimulationReport = { say: 'report', ...processor.report(), connected: all.filter(({ connected }) => connected).length, holding: all.filter(({ layers }) => layers !== null).length, served: served.size, rings: rings.size, left, failedAttempts, complaints };
  process.send?.(report);
});

/** Somebody leaves and somebody else comes, as tabs do. */
async function change(): Promise<void> {
  const { signal } = parentGone;
  while (!signal.aborted) {
    await sleep(changeEveryMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const all = [...workers.values()];
    all[random.below(all.length)]?.vanish();
    left++;
    await join();
  }
}

if (!parentGone.signal.aborted) await once(parentGone.signal, 'abort');
for (const worker of [...workers.values()]) worker.vanish();
