/** Thread: hashes the tree of an epoch's performance, which may be thousands of workers, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { performanceTree } from '@ciro/core/settlement/performance.ts';
import type { PerformanceDraft } from '@ciro/core/settlement/performance.ts';

if (parentPort === null) throw new TypeError('performance-thread.ts is started as a worker thread');
parentPort.postMessage(performanceTree(workerData as PerformanceDraft));
