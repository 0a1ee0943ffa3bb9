import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** One unit test is to stay below 5 s on two cores, so this only ends what hangs. */
const UNIT_TIMEOUT_MS = 20_000;
/** Coordinator, database and several participants in one process. */
const INTEGRATION_TIMEOUT_MS = 60_000;
/** A file of Cairo tests takes 5 s on an idle core, a contract 10 s, and far longer where others want the cores. */
const CAIRO_TIMEOUT_MS = 1_800_000;
/** A node that starts, seven contracts that are declared and deployed, and a hundred transactions: 15 s on idle cores, two minutes on very busy ones. */
const CHAIN_TIMEOUT_MS = 600_000;
/** A browser, the real model and three tabs on two shared cores. */
const E2E_TIMEOUT_MS = 300_000;

/** What is waited for comes within milliseconds on an idle machine; on cores that others use, a second is not enough. */
const POLL = { poll: { timeout: 15_000 } };

/** As many as there are cores: Vitest by itself leaves one idle, which is half of a small machine. */
const WORKERS = availableParallelism();
/** Files of tabs or nodes wait half of their time (for silences, loads, blocks): two at a time end sooner; more only get in each other's way. */
const WAITING_WORKERS = Math.min(2, WORKERS);
/** Nodes wait for blocks, and one file for a slow line: beside two of them the compiler has a core. */
const MIXED_WORKERS = WAITING_WORKERS + 1;
/** Take minutes each: begun first, so that no core waits for one of them at the end. */
const LONGEST = ['moved-answer', 'start-once', 'broken-frames', 'engine-recovery', 'three-tabs', 'cheated-job'];
/** Waits for a slow line most of its time: beside nodes, which wait for blocks. */
const SLOW_LINE = ['tests/e2e/weights-from-peers.test.ts'];
/** Compute on a software GPU, which takes every core: beside them other tabs fall silent, links break and answers move. */
const SOFTWARE_GPU = ['webgpu-equality', 'mixed-engines', 'qualification'].map((name) => `tests/e2e/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => (moduleId.includes('/e2e/') ? LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`)) : -1);
    const sorted = await super.sort(files);
    return [...sorted.filter((file) => place(file) >= 0).sort((a, b) => place(a) - place(b)), ...sorted.filter((file) => place(file) < 0)];
  }
}

export default defineConfig({
  test: {
    reporters: ['default'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          expect: POLL,
          include: ['{core,web,signaling,benchmarks}/**/*.test.{ts,tsx}', 'contracts/{build,chain}/**/*.test.ts'],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          expect: POLL,
          include: ['tests/{conformance,integration}/**/*.test.ts'],
          testTimeout: INTEGRATION_TIMEOUT_MS,
          hookTimeout: INTEGRATION_TIMEOUT_MS,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The compiler takes a core and 1.5 GB each time; contracts/build starts at most two of them at once.
        test: {
          name: 'contracts',
          include: ['contracts/src/**/*.test.ts'],
          testTimeout: CAIRO_TIMEOUT_MS,
          hookTimeout: CAIRO_TIMEOUT_MS,
          maxWorkers: MIXED_WORKERS,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Each file starts a node of its own.
        test: {
          name: 'chain',
          expect: POLL,
          include: ['tests/chain/**/*.test.ts'],
          testTimeout: CHAIN_TIMEOUT_MS,
          hookTimeout: CHAIN_TIMEOUT_MS,
          maxWorkers: MIXED_WORKERS,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'e2e-line',
          expect: POLL,
          include: SLOW_LINE,
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          maxWorkers: MIXED_WORKERS,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Browsers and the model want the cores: after everything else.
        test: {
          name: 'e2e',
          expect: POLL,
          include: ['tests/e2e/**/*.test.ts'],
          exclude: [...SOFTWARE_GPU, ...SLOW_LINE],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          maxWorkers: WAITING_WORKERS,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'e2e-gpu',
          expect: POLL,
          include: SOFTWARE_GPU,
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
