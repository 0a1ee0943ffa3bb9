/**
 * A seeded fortieth of the honest part of `npm run bench -- verification`: honest engines are never told apart. Engines that this
 * machine lacks are named and left out; the whole bench fetches them.
 */
import { expect, test } from 'vitest';
import { runHonest } from '../../benchmarks/verification/honest.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import type { HonestOptions } from '../../benchmarks/verification/honest.ts';
import type { PartReport } from '../../benchmarks/verification/part.ts';

const SHARE = 40;
/** Every engine loads three stages on two busy cores. */
const TIMEOUT_MS = 240_000;

function say(line: string): void {
  if (line.includes('NOT MEASURED')) console.warn(`SKIPPED: ${line}`);
}

const context = { share: SHARE, signal: new AbortController().signal, say };

function expectHonest({ rows, values, seeds }: PartReport, pairs: readonly string[]): void {
  console.log(`seeds ${seeds.join(', ')}`);
  for (const row of rows) {
    const stages = row['stage'] === 'all' ? 3 : 1;
    expect(row, `${row['model']}, ${row['pair']}, stage ${row['stage']}`).toMatchObject({ rows: 320 * stages, row_failures: 0, units: 20 * stages, unit_failures: 0, ids_wrong: 0 });
  }
  const found = new Set(rows.map((row) => row['pair']));
  for (const pair of pairs) expect(found).toContain(pair);
  expect(values).toMatchObject({ honest_match_percent: 100, fraud_proofs: 0 });
}

/** SwiftShader takes minutes even for a fortieth; e2e/webgpu-equality has it. */
const SLOW: HonestOptions = { without: ['SwiftShader'], fetchTools: false };

test('honest engines on the seeded model are never told apart, and browsers give the reference\'s bits (A5 to A8, D3)', async () => {
  const report = await runHonest(context, { ...SLOW, models: ['seeded'] });
  expectHonest(report, ['WASM 1 v. 2 threads', 'prefill v. decode shapes']);
  expect([3, expect.objectContaining({ notMeasured: expect.any(String) })]).toContainEqual(report.values['reference_engines']);
}, TIMEOUT_MS);

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`honest shapes and thread counts on the default model are never told apart (A5 to A8)${NEEDS_DEFAULT_MODEL}`, async () => {
  const report = await runHonest(context, { ...SLOW, without: ['SwiftShader', 'native CPU', 'Chromium', 'Firefox', 'WebKit'], models: ['smollm2'] });
  expectHonest(report, ['WASM 1 v. 2 threads', 'prefill v. decode shapes']);
}, TIMEOUT_MS);
