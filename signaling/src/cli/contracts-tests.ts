/** `npm run contracts -- test` and `-- coverage`: Cairo tests by the best runner there is, and what they touch. */
import { BuildError } from '@ciro/contracts/build/build-error.ts';
import { instrument } from '@ciro/contracts/build/branches.ts';
import { readSources } from '@ciro/contracts/build/bundle.ts';
import { testsIn } from '@ciro/contracts/build/cairo-source.ts';
import { describeCairoTests, runCairoTests, testModules } from '@ciro/contracts/build/cairo-tests.ts';
import { LEAST_COVERAGE, coverageOf, describeCoverage, partOf } from '@ciro/contracts/build/coverage.ts';
import { obtainRunner } from '@ciro/contracts/build/find-runner.ts';
import { compiledTogether, runNativeTests } from '@ciro/contracts/build/native-tests.ts';
import { nativeRunnerName, readRecord, recordOf, sourcesSha256, writeRecord } from '@ciro/contracts/build/test-record.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import type { Sources } from '@ciro/contracts/build/bundle.ts';
import type { CairoTestResult } from '@ciro/contracts/build/cairo-tests.ts';
import type { NativeRunner } from '@ciro/contracts/build/find-runner.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** Crates between two lines of progress. */
const CRATES_A_LINE = 50;

const nativeRunner = (signal: AbortSignal): Promise<NativeRunner> =>
  obtainRunner({ env: process.env, cacheFolder: cacheFolder(), signal, report: (what, done, total) => (done === undefined ? print(what) : done % CRATES_A_LINE === 0 ? print(`${done} of about ${total} ${what}`) : undefined) });

/** Runs tests whose path holds `filter`, or all of the module of that name. A module that passes whole is put into the record. */
export async function testContracts(filter: string, signal: AbortSignal): Promise<void> {
  const sources = readSources();
  const all = testModules(sources);
  const runner = await nativeRunner(signal).catch((error: unknown) => {
    if (!(error instanceof BuildError) || error.code !== 'no-runner') throw error;
    print(`${error.message} wasm-cairo runs the tests instead: those that deploy contracts take minutes each and up to 4 GB.`);
  });
  const named = (module: string): string[] => testsIn(sources.get(module) ?? '').filter((test) => all.includes(filter) || `${module}::${test}`.includes(filter));
  const isWhole = (module: string): boolean => named(module).length === testsIn(sources.get(module) ?? '').length;
  const modules = (all.includes(filter) ? [filter] : all).filter((module) => named(module).length > 0);
  if (modules.length === 0) print(`no test's path holds ${JSON.stringify(filter)}`);
  let failed = modules.length === 0;
  const tell = async (result: CairoTestResult): Promise<void> => {
    print(describeCairoTests(result));
    failed ||= result.failed.length > 0;
    if (isWhole(result.module) && result.failed.length === 0) await record(result.module, sources, named(result.module).sort(), runner === undefined ? 'wasm-cairo' : nativeRunnerName());
  };
  // wasm-cairo is held to two processes by what starts them; a native one takes all cores by itself.
  if (runner === undefined) await Promise.all(modules.map(async (module) => tell(await runCairoTests(module, { sources, only: named(module), signal }))));
  else
    for (const together of compiledTogether(modules)) {
      const only = together.every(isWhole) ? undefined : together.flatMap((module) => named(module).map((test) => `${module}::${test}`));
      for (const result of await runNativeTests(together, { sources, runner, only, signal })) await tell(result);
    }
  if (failed) process.exitCode = 1;
}

let writing: Promise<void> = Promise.resolve();
function record(module: string, sources: Sources, passed: readonly string[], runner: string): Promise<void> {
  const write = async (): Promise<void> => {
    const known = await readRecord();
    const modules = Object.fromEntries(Object.entries(known.modules).filter(([name]) => testModules(sources).includes(name)));
    await writeRecord({ ...known, modules: { ...modules, [module]: recordOf(module, sources, passed, runner) } });
  };
  return (writing = writing.then(write, write));
}

/** Errors, entry points and, where the native runner can be had, branches that no test touches; branches go into the record. */
export async function coverContracts(signal: AbortSignal): Promise<void> {
  const sources = readSources();
  const { errors, entryPoints } = coverageOf(sources);
  print(describeCoverage('errors that a should_panic names', errors));
  print(describeCoverage('entry points that a test calls', entryPoints));
  const branches = await branchCoverage(sources, await nativeRunner(signal), signal);
  print(describeCoverage('branches that a test takes', branches));
  await writeRecord({ ...(await readRecord()), branches: { sources: sourcesSha256(sources), total: branches.total, missed: [...branches.missing] } });
  if ([errors, entryPoints, branches].some((covered) => partOf(covered) < LEAST_COVERAGE)) process.exitCode = 1;
}

async function branchCoverage(sources: Sources, runner: NativeRunner, signal: AbortSignal): Promise<{ readonly total: number; readonly missing: readonly string[] }> {
  const { sources: counted, branches, branchOf } = instrument(sources);
  const taken = new Set<number>();
  for (const together of compiledTogether(testModules(sources))) {
    const results = await runNativeTests(together, { sources: counted, runner, signal, onPrinted: (felt) => void taken.add(branchOf(felt) ?? -1) });
    const failed = results.filter((result) => result.failed.length > 0);
    if (failed.length > 0) throw new BuildError('compiler-died', `With the branches counted, ${failed.map(describeCairoTests).join('\n')}`, { fault: 'bug' });
    print(`${together.join(', ')}: ${[...taken].filter((branch) => branch >= 0).length} of ${branches.length} branches so far`);
  }
  return { total: branches.length, missing: branches.flatMap(({ module, line, kind }, index) => (taken.has(index) ? [] : [`${module}.cairo:${line} ${kind}`])) };
}
