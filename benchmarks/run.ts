import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'valibot';
import { readBars } from './bars.ts';
import { formatResult } from './format-result.ts';
import { BenchError, BenchReport, judge } from './result.ts';

/** What a benchmark is given; `benchmarks/NAME.ts` exports `run(context: BenchContext): Promise<BenchReport>`. */
export interface BenchContext {
  /** Options after the name. */
  readonly args: readonly string[];
  /** Aborts on Ctrl-C; a benchmark then closes what it opened and rejects. */
  readonly signal: AbortSignal;
  /** Tells how far it is; goes to stderr. */
  readonly say: (line: string) => void;
}

/** The machine without its name: what makes a number comparable. */
function describeMachine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model.trim() ?? process.arch}, ${availableParallelism()} cores, ${gigabytes} GiB, ${process.platform} ${release()}, Node ${process.versions.node}`;
}

async function loadBenchmark(file: string): Promise<(context: BenchContext) => Promise<unknown>> {
  const module: unknown = await import(pathToFileURL(file).href);
  if (typeof module !== 'object' || module === null || !('run' in module) || typeof module.run !== 'function') {
    throw new BenchError(`${file} exports no function \`run\`.`);
  }
  const { run } = module;
  return async (context) => run(context);
}

/**
 * Runs `NAME.ts` of the folder of benchmarks, prints its table and writes `results/NAME.json` there.
 * @throws BenchError or ValiError when what it reports does not answer every bar
 * @returns the process's exit code: 0 when no bar was missed, 1 when one was, 2 when there is no such benchmark
 */
export async function runBenchmark(name: string | undefined, args: readonly string[], signal: AbortSignal, folder: string = import.meta.dirname): Promise<number> {
  const all = await readBars(folder);
  const bars = name === undefined ? undefined : all[name];
  const file = join(folder, `${name}.ts`);
  if (name === undefined || bars === undefined || !existsSync(file)) {
    console.error(`usage: npm run bench -- NAME, where NAME is one of: ${Object.keys(all).join(', ')}`);
    return 2;
  }
  const run = await loadBenchmark(file);
  const report = parse(BenchReport, await run({ args, signal, say: (line) => console.error(line) }));
  const result = judge(name, report, bars, describeMachine(), new Date());
  console.log(formatResult(result, bars));

  await mkdir(join(folder, 'results'), { recursive: true });
  await writeFile(join(folder, 'results', `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  const missed = result.bars.filter(({ ok }) => ok === false).length;
  if (missed > 0) console.error(`\n${missed} of ${result.bars.length} bars missed`);
  return missed > 0 ? 1 : 0;
}

if (import.meta.main) {
  const [name, ...args] = process.argv.slice(2);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error(`ended by ${signal}`)));
  // A benchmark may leave a pool or a timer behind; its numbers are written by now.
  process.exit(await runBenchmark(name, args, stop.signal));
}
