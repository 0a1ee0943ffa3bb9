/** Runs Cairo tests natively: a bundle is compiled once, and its tests run on all cores. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { BuildError } from './build-error.ts';
import { bundle } from './bundle.ts';
import { testsIn } from './cairo-source.ts';
import { notCompiled } from './diagnostics.ts';
import type { Sources } from './bundle.ts';
import type { CairoTestResult } from './cairo-tests.ts';
import type { NativeRunner } from './find-runner.ts';
import type { RawDiagnostic } from './memory-text.ts';

/** The root of a crate: `crate::` is its inside. */
const ROOT = 'lib.cairo';
/** The slowest module took two minutes on busy cores. This only ends what hangs. */
const TIMEOUT_MS = 3_600_000;
const DOES_NOT_COMPILE = 2;

/** `test`: its path below the crate. */
const Line = v.object({ test: v.pipe(v.string(), v.transform((path) => path.slice(path.indexOf('::') + 2))), failure: v.nullable(v.string()), ms: v.number() });

export interface NativeTestOptions {
  readonly sources: Sources;
  readonly runner: NativeRunner;
  /** Tests to run, `token_test::mints`; all of the modules when absent. */
  readonly only?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each felt that a contract or a test prints. */
  readonly onPrinted?: ((felt: bigint) => void) | undefined;
  /** Another way to start it, in tests of what is done with its answers. */
  readonly start?: typeof startRunner;
}

/** A file that refers to what is to be compiled together. */
const TOGETHER = 'together';

/** Modules whose tests need the same contracts, to be compiled together: those that begin alike, `store_claim_test` and `store_court_test`. */
export function compiledTogether(modules: readonly string[]): string[][] {
  return [...Map.groupBy(modules, (module) => module.split('_')[0]).values()];
}

/** `token_test::mints` of every test of these modules. */
export const testPaths = (modules: readonly string[], sources: Sources): string[] => modules.flatMap((module) => testsIn(sources.get(module) ?? '').map((test) => `${module}::${test}`));

/**
 * One result for each of `modules`, in their order.
 * @throws BuildError `does-not-compile`; `compiler-died` also when other tests ran than the files have
 */
export async function runNativeTests(modules: readonly string[], { sources, runner, only, signal, onPrinted, start = startRunner }: NativeTestOptions): Promise<CairoTestResult[]> {
  const all = new Map([...sources, [TOGETHER, modules.map((module) => `use crate::${module};\n`).join('')]]);
  const made = bundle(TOGETHER, all);
  const wanted = only ?? testPaths(modules, sources);
  const results: v.InferOutput<typeof Line>[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'ciro-cairo-'));
  try {
    const file = join(folder, ROOT);
    await writeFile(file, made.source);
    const { code, said } = await start(runner.binary, [runner.corelib, file, ...(only ?? [])], signal, (line) => {
      const [, json] = /^ciro-test (\{.*\})$/.exec(line) ?? [];
      const [, printed] = /^\[DEBUG\]\t(0x[0-9a-f]+)/.exec(line) ?? [];
      if (json !== undefined) results.push(v.parse(Line, JSON.parse(json)));
      else if (printed !== undefined) onPrinted?.(BigInt(printed));
    });
    if (code === DOES_NOT_COMPILE) throw notCompiled({ kind: 'not-compiled', diagnostics: diagnosticsOf(said), printed: said }, made, all);
    const ran = results.map(({ test }) => test);
    if (code !== 0 || JSON.stringify([...ran].sort()) !== JSON.stringify([...wanted].sort())) {
      throw new BuildError('compiler-died', `The native runner ended with ${code} and ran ${ran.length} of the ${wanted.length} tests of ${modules.join(', ')}. ${said.trim().split('\n').slice(-3).join(' ')}`, { fault: 'bug', fields: { modules, code, ran: ran.length, tests: wanted.length } });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return modules.map((module) => {
    const here = results.filter(({ test }) => test.startsWith(`${module}::`));
    return { module, passed: here.filter(({ failure }) => failure === null).length, failed: here.flatMap(({ test, failure }) => (failure === null ? [] : [{ test, reason: failure }])) };
  });
}

/** What the compiler says: `error: message` and ` --> file:line:column` below it. */
export function diagnosticsOf(said: string): RawDiagnostic[] {
  return [...said.matchAll(/^error(?:\[E\d+\])?: (.*)\n --> [^\n]*?:(\d+):(\d+)$/gm)].map(([, message = '', line, column]) => ({ message, line: Number(line), column: Number(column) }));
}

function startRunner(binary: string, args: readonly string[], signal: AbortSignal | undefined, onLine: (line: string) => void): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const env = { RAYON_NUM_THREADS: String(availableParallelism()), ...process.env };
    const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, ...(signal && { signal }) });
    let said = '';
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}
