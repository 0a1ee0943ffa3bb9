/** One run of the compiler in a process of its own: it takes up to 1.5 GB, which only the end of a process gives back. Spawned by cairo-process.ts. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileStarknetContract, initSync, runTests } from 'wasm-cairo';
import { diagnosticsIn, failedTestsIn } from './memory-text.ts';
import type { CairoReply, CairoRequest } from './cairo-process.ts';

const NO_PROFILER = '';
const FAILED_COUNTS = /test result: FAILED\. (\d+) passed; (\d+) failed; (\d+) ignored/;
const OK_COUNTS = /test result: ok\. (\d+) passed; 0 failed; (\d+) ignored/;
const OK_TEST = /^test astro::(\S+) \.\.\. ok/gm;

const wasm = join(dirname(createRequire(import.meta.url).resolve('wasm-cairo')), 'wasm-cairo_bg.wasm');
// What wasm-cairo logs stands in its answer, too.
console.log = () => undefined;
const { memory } = initSync({ module: readFileSync(wasm) });
const text = (): Buffer => Buffer.from(memory.buffer);

function compile(source: string): CairoReply {
  const printed = compileStarknetContract(source, true, false);
  if (printed.startsWith('{')) return { kind: 'class', contractClass: printed };
  return { kind: 'not-compiled', diagnostics: diagnosticsIn(text()), printed };
}

function test(source: string, filter: string): CairoReply {
  const printed = runTests(source, true, filter, false, false, true, NO_PROFILER, false, true);
  const ok = OK_COUNTS.exec(printed);
  if (ok !== null) return { kind: 'tests', passed: [...printed.matchAll(OK_TEST)].flatMap(([, name]) => name ?? []), passedCount: Number(ok[1]), failedCount: 0, failed: [] };
  const failed = FAILED_COUNTS.exec(printed);
  if (failed !== null) return { kind: 'tests', passed: [], passedCount: Number(failed[1]), failedCount: Number(failed[2]), failed: failedTestsIn(text()) };
  return { kind: 'not-compiled', diagnostics: diagnosticsIn(text()), printed };
}

process.once('message', (request: CairoRequest) => {
  const reply = request.kind === 'compile' ? compile(request.source) : test(request.source, request.filter);
  process.send?.(reply, () => process.disconnect());
});
