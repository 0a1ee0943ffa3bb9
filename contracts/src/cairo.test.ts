import { describe, expect, it } from 'vitest';
import { CONTRACTS_FOLDER } from '../build/artefacts.ts';
import { readSources } from '../build/bundle.ts';
import { describeCairoTests, runCairoTests, testModules } from '../build/cairo-tests.ts';
import { checkArtefacts } from '../build/check.ts';
import { LEAST_COVERAGE, coverageOf, describeCoverage, partOf } from '../build/coverage.ts';

const sources = readSources();

describe.concurrent('Cairo', () => {
  it.for(testModules(sources))('%s', async (module, { expect: expectHere, signal }) => {
    const result = await runCairoTests(module, { sources, signal });
    expectHere(result.failed, describeCairoTests(result)).toEqual([]);
    expectHere(result.passed).toBeGreaterThan(0);
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
