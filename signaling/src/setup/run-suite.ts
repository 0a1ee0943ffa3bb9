import { setTimeout as sleep } from 'node:timers/promises';
import { createVitest, parseCLI } from 'vitest/node';
import { formatSummary, summarise } from './test-summary.ts';

/** Time for the running tests to end once the run is told to stop; what hangs then ends with this process. */
const CANCEL_TIMEOUT_MS = 5_000;
/** Time for workers to end by themselves once all tests are done; afterwards the process ends with them. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Runs the tests under `root` and prints the list of skipped tests and the closing line.
 * @param args vitest's own: file name filters, `-t`, `--project` …
 * @param failuresBefore what went wrong while the run was prepared; counts as failed
 * @returns the process's exit code
 */
export async function runSuite(root: string, args: readonly string[], failuresBefore = 0): Promise<number> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const vitest = await createVitest('test', { ...options, root, watch: false });
  let stopped = false;
  const cancelled = new Promise<void>((resolve) => {
    const stop = () => {
      stopped = true;
      void vitest.cancelCurrentRun('keyboard-input');
      setTimeout(resolve, CANCEL_TIMEOUT_MS).unref();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // Vitest's logger would end the process at once, without a closing line. A signal to the whole group comes twice: from
      // its sender and from the parent that passes it on.
      process.removeAllListeners(signal).on(signal, stop);
    }
  });

  let outside = failuresBefore;
  try {
    await Promise.race([vitest.start(filter), cancelled]);
  } catch (error) {
    outside += 1;
    console.error(error);
  }
  outside += vitest.state.getUnhandledErrors().length;
  if (stopped) {
    outside += 1;
    console.error('The tests were stopped before their end, which counts as one failure.');
  }
  const summary = summarise(vitest.state.getTestModules(), outside);
  await Promise.race([vitest.close(), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  console.log(`\n${formatSummary(summary)}`);
  return summary.failed > 0 || summary.passed === 0 ? 1 : Number(process.exitCode ?? 0);
}
