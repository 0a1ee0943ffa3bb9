import { BuildError } from './build-error.ts';
import { bundle } from './bundle.ts';
import { runCairo } from './cairo-process.ts';
import { testsIn, withTests } from './cairo-source.ts';
import { notCompiled } from './diagnostics.ts';
import type { Sources } from './bundle.ts';
import type { CairoReply } from './cairo-process.ts';
import type { FailedTest } from './memory-text.ts';

export interface CairoTestOptions {
  readonly sources: Sources;
  /** A part of the tests' paths; empty for all. */
  readonly filter?: string | undefined;
  /** Names of the tests to run; all of the module when absent. */
  readonly only?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The compiler; another one in tests of what is done with its answers. */
  readonly cairo?: typeof runCairo;
}

export interface CairoTestResult {
  readonly module: string;
  readonly passed: number;
  readonly failed: readonly FailedTest[];
}

/** Modules of tests, by their names. */
export const testModules = (sources: Sources): string[] => [...sources.keys()].filter((module) => module.endsWith('_test')).sort();

/** Tests in one process: the compiler gives no memory back, a test that deploys contracts keeps up to 270 MB of it, and 32 bits address 4 GB. */
const TESTS_A_PROCESS = 6;

/**
 * Runs the tests of one module, a few in each process, and names those that fail.
 * @throws BuildError `does-not-compile`; `compiler-died` also when fewer tests ran than the file has
 */
export async function runCairoTests(module: string, options: CairoTestOptions): Promise<CairoTestResult> {
  const { sources, filter = '', only, signal, cairo = runCairo } = options;
  const made = bundle(module, sources);
  const tests = (only ?? testsIn(made.source)).filter((test) => `${module}::${test}`.includes(filter));
  const run = async (names: readonly string[]): Promise<Extract<CairoReply, { kind: 'tests' }>> => {
    const reply = await cairo({ kind: 'tests', source: withTests(made.source, new Set(names)), filter: '' }, signal);
    if (reply.kind === 'not-compiled') throw notCompiled(reply, made, sources);
    if (reply.kind !== 'tests') throw new BuildError('compiler-died', `The compiler answered ${reply.kind} for the tests of ${module}`, { fault: 'bug' });
    const ran = reply.passedCount + reply.failedCount;
    if (ran === names.length) return reply;
    throw new BuildError('compiler-died', `Of ${names.length} tests of ${module}.cairo the compiler ran ${ran}: ${names.join(', ')}. A test under #[ignore], or a form of #[test] that contracts/build/cairo-source.ts does not know?`, { fault: 'bug', fields: { module, tests: names.length, ran } });
  };
  const results = await Promise.all(
    inProcesses(tests).map(async (names) => {
      const { passedCount, failedCount, failed } = await run(names);
      return { passedCount, failed: failed.length === failedCount ? failed : await oneByOne(names, failedCount, run) };
    }),
  );
  return { module, passed: results.reduce((sum, { passedCount }) => sum + passedCount, 0), failed: results.flatMap(({ failed }) => failed) };
}

const inProcesses = (tests: readonly string[]): string[][] => Array.from({ length: Math.ceil(tests.length / TESTS_A_PROCESS) }, (_, chunk) => tests.slice(chunk * TESTS_A_PROCESS, (chunk + 1) * TESTS_A_PROCESS));

/** Tests of one module that fit in one process. */
export interface CairoChunk {
  readonly module: string;
  readonly tests: readonly string[];
}

/** All tests, process by process. */
export const cairoChunks = (sources: Sources): CairoChunk[] => testModules(sources).flatMap((module) => inProcesses(testsIn(sources.get(module) ?? '')).map((tests) => ({ module, tests })));

/** Runs test after test until all failures are named: for when the list of them could not be read. */
async function oneByOne(tests: readonly string[], failures: number, run: (names: readonly string[]) => Promise<Extract<CairoReply, { kind: 'tests' }>>): Promise<FailedTest[]> {
  const failed: FailedTest[] = [];
  for (const test of tests) {
    if (failed.length >= failures) break;
    const { failedCount, failed: named } = await run([test]);
    if (failedCount > 0) failed.push({ test, reason: named[0]?.reason ?? 'fails; its reason could not be read' });
  }
  return failed;
}

/** `token_test: 12 passed` and a line for every failed test. */
export function describeCairoTests({ module, passed, failed }: CairoTestResult): string {
  return [`${module}: ${passed} passed${failed.length > 0 ? `, ${failed.length} FAILED` : ''}`, ...failed.map(({ test, reason }) => `  ${test}: ${reason}`)].join('\n');
}
