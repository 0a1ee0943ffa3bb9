import { describe, expect, it } from 'vitest';
import { CONTRACTS_FOLDER } from '../build/artefacts.ts';
import { readSources } from '../build/bundle.ts';
import { cairoChunks, describeCairoTests, runCairoTests } from '../build/cairo-tests.ts';
import { checkArtefacts } from '../build/check.ts';
import { LEAST_COVERAGE, coverageOf, describeCoverage, partOf } from '../build/coverage.ts';
import { HOW_TO_RENEW, readRecord, recordProblems } from '../build/test-record.ts';

/** Modules whose tests take seconds with wasm-cairo. It takes minutes and up to 4 GB for six tests that deploy contracts: those stand in the record. */
const QUICK = ['merkle_test'];

const sources = readSources();
const run = cairoChunks(sources).filter(({ module }) => QUICK.includes(module));

it('every Cairo test passed with these sources, says the record', async () => {
  expect(recordProblems(sources, await readRecord()), HOW_TO_RENEW).toEqual([]);
});

it('branches that no test takes are few, says the record', async ({ skip }) => {
  const { branches } = await readRecord();
  if (branches === undefined) return skip(`branches were not counted yet: ${HOW_TO_RENEW}`);
  expect(partOf({ total: branches.total, missing: branches.missed })).toBeGreaterThanOrEqual(LEAST_COVERAGE);
});

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
