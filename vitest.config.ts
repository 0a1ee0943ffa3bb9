import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

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

export default defineConfig({
  test: {
    reporters: ['default'],
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
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
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
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Browsers and the model would fight over two cores: one file at a time, after everything else.
        test: {
          name: 'e2e',
          expect: POLL,
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
