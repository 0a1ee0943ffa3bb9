/**
 * `npm run bench -- verification [PART …] [--share N]`: honest engines must never be told apart, cheats always. Without a PART
 * everything runs, about an hour on two cores; `--share 20` takes a seeded twentieth of it. Parts that are not run keep the rows
 * and values of the stored result: a row of part `run` says when each was measured.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parse } from 'valibot';
import { readBars } from './bars.ts';
import { BenchError, BenchResult } from './result.ts';
import { attacksPart } from './verification/attacks/attacks-part.ts';
import { costsPart } from './verification/costs.ts';
import { economicsPart } from './verification/economics.ts';
import { honestPart } from './verification/honest.ts';
import { forgetReferences } from './verification/stages-reference.ts';
import { steeringPart } from './verification/steering.ts';
import type { Bars } from './bars.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';
import type { Part, PartContext } from './verification/part.ts';

const RESULT = new URL('results/verification.json', import.meta.url);

/** In the order in which they run. */
export const PARTS: readonly Part[] = [honestPart, attacksPart, steeringPart, costsPart, economicsPart];

/** Runs the chosen parts and puts their rows and values together. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { names, share } = choose(args);
  const chosen = PARTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const bars = (await readBars())['verification'] ?? {};
  const report = await storedParts(bars, chosen, share);
  const browsers = new Set<string>();
  await forgetReferences();
  for (const part of chosen) {
    const started = performance.now();
    const found = await runPart(part, { share, signal, say });
    say(`part ${part.name}: ${((performance.now() - started) / 60_000).toFixed(1)} min`);
    report.seeds = [...new Set([...report.seeds, ...found.seeds])];
    report.rows.push({ part: 'run', of: part.name, date: new Date().toISOString(), share, minutes: (performance.now() - started) / 60_000 }, ...found.rows);
    Object.assign(report.values, found.values);
    if (found.browser !== undefined) browsers.add(found.browser);
  }
  await forgetReferences();
  return { ...report, ...(browsers.size > 0 && { browser: [...browsers].join(', ') }) };
}

/** What the stored result says of the parts that are not run now; of a share of the whole nothing is kept. */
async function storedParts(bars: Bars, chosen: readonly Part[], share: number): Promise<BenchReport> {
  const report: BenchReport = { seeds: [], rows: [], values: Object.fromEntries(Object.keys(bars).map((id) => [id, { notMeasured: 'its part was not run' }])) };
  const kept = PARTS.filter((part) => !chosen.includes(part));
  const text = share > 1 || kept.length === 0 ? undefined : await readFile(RESULT, 'utf8').catch(() => undefined);
  if (text === undefined) return report;
  const stored = parse(BenchResult, JSON.parse(text));
  const ran = new Set(chosen.map(({ name }) => name));
  report.seeds = stored.seeds;
  report.rows = stored.rows.filter((row) => !ran.has(String(row['part'] === 'run' ? row['of'] : row['part'])));
  for (const { name, value, note } of stored.bars) {
    if (kept.some((part) => part.bars.includes(name))) report.values[name] = value ?? { notMeasured: note ?? 'not measured' };
  }
  return report;
}

/** A part answers its own bars, all of them and no others. */
async function runPart(part: Part, context: PartContext): ReturnType<Part['run']> {
  const found = await part.run(context);
  const stray = Object.keys(found.values).filter((id) => !part.bars.includes(id));
  const silent = part.bars.filter((id) => found.values[id] === undefined);
  if (stray.length > 0 || silent.length > 0) throw new BenchError(`Part ${part.name} of the verification bench leaves out ${silent.join(', ') || 'nothing'} and adds ${stray.join(', ') || 'nothing'}.`);
  return found;
}

function choose(args: readonly string[]): { names: readonly string[]; share: number } {
  const { positionals: names, values } = parseArgs({ args: [...args], allowPositionals: true, options: { share: { type: 'string', default: '1' } } });
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  const share = Number(values.share);
  if (unknown.length > 0 || !(Number.isInteger(share) && share >= 1)) {
    throw new BenchError(`usage: npm run bench -- verification [${PARTS.map(({ name }) => name).join('|')} …] [--share N]; N is 1 for everything, 20 for a twentieth`);
  }
  return { names, share };
}
