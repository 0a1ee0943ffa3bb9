import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { PerformanceGrower } from './performance-ports.ts';

/** Hashes a tree in a thread of its own. Rejects with what the thread died of. */
export const threadedPerformance: PerformanceGrower = (draft) => {
  const worker = new Worker(join(import.meta.dirname, 'performance-thread.ts'), { workerData: draft });
  return new Promise<EpochTree>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the thread that hashes the performance of workers ended early')));
  }).finally(() => worker.terminate());
};
