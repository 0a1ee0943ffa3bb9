import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parse } from 'valibot';
import { BenchResult } from './result.ts';
import { runBenchmark } from './run.ts';

let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-bench-'));
  await writeFile(join(folder, 'bars.json'), '{ "demo": { "hop_ms": { "at_most": 2, "unit": "ms" } }, "planned": {} }');
  printed = '';
  for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation((line: string) => void (printed += `${line}\n`));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function bench(name: string | undefined, body = ''): Promise<number> {
  if (name !== undefined && body !== '') await writeFile(join(folder, `${name}.ts`), `export async function run({ args }: { args: readonly string[] }) { ${body} }`);
  return runBenchmark(name, ['--quick'], new AbortController().signal, folder);
}

it('writes and prints the result, and ends well when every bar is met', async () => {
  expect(await bench('demo', 'return { seeds: [7], rows: [{ option: args[0] }], values: { hop_ms: 1.5 }, browser: "Chromium 156" };')).toBe(0);
  const stored = parse(BenchResult, JSON.parse(await readFile(join(folder, 'results', 'demo.json'), 'utf8')));
  expect(stored).toMatchObject({ name: 'demo', seeds: [7], rows: [{ option: '--quick' }], bars: [{ name: 'hop_ms', value: 1.5, limit: 2, ok: true }] });
  expect(stored.machine).toMatch(/\d+ cores, \d+ GiB, .*, Node 2\d\..*, Chromium 156$/);
  expect(printed).toContain('hop_ms  1.5    ≤ 2    met      ms');
});

it('ends with 1 when a bar is missed, and still writes what was measured', async () => {
  expect(await bench('demo', 'return { seeds: [], rows: [{ a: 1 }], values: { hop_ms: 3 } };')).toBe(1);
  expect(JSON.parse(await readFile(join(folder, 'results', 'demo.json'), 'utf8')).bars[0].ok).toBe(false);
  expect(printed).toContain('1 of 1 bars missed');
});

it('fails without writing when the report leaves out a bar', async () => {
  await expect(bench('demo', 'return { seeds: [], rows: [{ a: 1 }], values: {} };')).rejects.toThrow('says nothing about its bar hop_ms');
  await expect(readFile(join(folder, 'results', 'demo.json'))).rejects.toThrow('ENOENT');
});

it('lists the benchmarks when asked for none, an unknown one, or one that is not written yet', async () => {
  expect([await bench(undefined), await bench('other'), await bench('planned')]).toEqual([2, 2, 2]);
  expect(printed).toContain('NAME is one of: demo, planned');
});
