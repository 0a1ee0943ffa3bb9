import { join } from 'node:path';
import { buildSwappedWorker } from '../swapped-worker/build-swapped-worker.ts';
import { FAULT_FLAG } from './fault-flag.ts';
import type { Page } from 'playwright-core';
import type { SwappedWorker } from '../swapped-worker/build-swapped-worker.ts';
import type { PageFault } from './fault-flag.ts';

const FAULTY_SERVICE = join(import.meta.dirname, 'faulty-service.ts');

/** Bundles a compute worker whose engine fails once it is told to. */
export const buildFaultyWorker = (): Promise<SwappedWorker> => buildSwappedWorker({ service: FAULTY_SERVICE });

/** Has the next run of this page's compute worker fail. The worker that takes its place is told nothing, and does not. */
export async function failNextRun(page: Page, fault: PageFault): Promise<void> {
  const worker = page.workers().at(-1);
  if (worker === undefined) throw new Error('this page has no compute worker');
  await worker.evaluate(`globalThis.${FAULT_FLAG} = ${JSON.stringify(fault)}`);
}
