import { showProgress } from '../cli/progress.ts';
import { fetchDefaultModel } from '../models/fetch-default-model.ts';
import { buildPage } from './build-page.ts';
import { CHECKOUT } from './checkout.ts';
import { runSuite } from './run-suite.ts';

/** What the tests with a browser need. */
const PREPARATIONS: readonly (readonly [what: string, prepare: () => Promise<void>])[] = [
  [
    'page',
    async () => {
      const ms = await buildPage();
      if (ms > 0) console.log(`page built in ${(ms / 1000).toFixed(1)} s`);
    },
  ],
  [
    'model',
    async () => {
      const progress = showProgress('model');
      await fetchDefaultModel({ onProgress: ({ step, bytes, totalBytes }) => step !== 'verify' && progress.update(bytes, totalBytes) });
      progress.done();
    },
  ],
];

/** Prepares what is missing, each at most once; says what could not be had. Gives the number of failures. */
async function prepare(): Promise<number> {
  let failures = 0;
  for (const [what, run] of PREPARATIONS) {
    try {
      await run();
    } catch (error) {
      // The tests that need neither still say something, so the run goes on and fails at its end.
      failures += 1;
      console.error(`The ${what} for the tests is not there: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return failures;
}

if (import.meta.main) {
  const failures = await prepare();
  // Workers that a failed test left behind end with this process.
  process.exit(await runSuite(CHECKOUT, process.argv.slice(2), failures));
}
