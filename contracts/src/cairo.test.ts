import { describe, expect, it } from 'vitest';
import { CONTRACTS_FOLDER } from '../build/artefacts.ts';
import { readSources } from '../build/bundle.ts';
import { cairoChunks, describeCairoTests, runCairoTests } from '../build/cairo-tests.ts';
import { checkArtefacts } from '../build/check.ts';
import { LEAST_COVERAGE, coverageOf, describeCoverage, partOf } from '../build/coverage.ts';

/** Modules whose tests take seconds. Six that deploy contracts keep a core for minutes and take up to 4 GB: too much beside everything else. */
const QUICK = ['merkle_test'];

const sources = readSources();
const chunks = cairoChunks(sources);
const run = process.env['CIRO_CAIRO_TESTS'] === 'all' ? chunks : chunks.filter(({ module }) => QUICK.includes(module));
const count = (of: typeof chunks): number => of.reduce((sum, { tests }) => sum + tests.length, 0);
if (run.length < chunks.length) console.warn(`SKIPPED: ${count(chunks) - count(run)} of ${count(chunks)} Cairo tests: they take too long here. To run them: npm run contracts -- test`);

describe.concurrent('Cairo', () => {
  it.for(run)('$module, from $tests.0', async ({ module, tests }, { expect: expectHere, signal }) => {
    const result = await runCairoTests(module, { sources, only: tests, signal });
    expectHere(result.failed, describeCairoTests(result)).toEqual([]);
    expectHere(result.passed).toBe(tests.length);
  });

  it('what is committed comes out of the sources', async ({ expect: expectHere, signal }) => {
    const { compiled, trusted } = await checkArtefacts({ sources, folder: CONTRACTS_FOLDER, report: () => undefined, signal, time: Date.now() });
    expectHere(compiled.length + trusted.length).toBeGreaterThan(0);
  });
});

it.for([['errors'], ['entryPoints']] as const)('%s without a test are few', ([what]) => {
  const covered = coverageOf(sources)[what];
  expect(partOf(covered), describeCoverage(what, covered)).toBeGreaterThanOrEqual(LEAST_COVERAGE);
});
