/**
 * A seeded twentieth of the attacks of `npm run bench -- verification`, judged by core's own verdict: all of them on the seeded
 * model, and those that need no engine on the default model's rows when its file is in the cache.
 */
import { describe, expect, test } from 'vitest';
import { COMPUTE_ATTACKS } from '../../benchmarks/verification/attacks/compute-attacks.ts';
import { runAttacks } from '../../benchmarks/verification/attacks/attacks-part.ts';
import { runEconomics } from '../../benchmarks/verification/economics.ts';
import { STAGE_NAMES } from '../../benchmarks/verification/models.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import type { AttackRow } from '../../benchmarks/verification/attacks/tally.ts';
import type { PartReport } from '../../benchmarks/verification/part.ts';

/** The seeded model is written and calibrated at the first call: half a minute on two shared cores. */
const TIMEOUT_MS = 240_000;
const context = { share: 20, signal: new AbortController().signal, say: () => undefined };

/** Attacks by the words of the issue; each must be the beginning of a line, on every stage that it concerns. */
const EVERY_STAGE = [
  'other model, another seed', 'other model, layers permuted', 're-quantised to 8 bits', 're-quantised to 4 bits', 'KV cache in 8 bits', 'fp16 residual declared fp32', 'skipped layer', 'early exit', '1 % weight noise', 'adapter',
  'one prompt token changed', 'one prompt token dropped', 'a hidden prompt injected', ...[-12, -11, -10, -9, -8, -7, -6].map((exponent) => `noise of 2^${exponent} scale`), 'stale result', "other job's result", 'copied leaf', 'copied payload',
  'flag-everything hints', 'wrong-side hints', 'outlier channels', 'constant payload', 'zero payload', 'random payload', 'unrelated payload', 'cheats on 1 %', 'cheats on 10 %', 'cheats on 50 %', 'lazy auditor: zero', 'lazy auditor: random', 'bribed auditor', 'withheld rows', 'forged receipt',
] as const;
const LAST_STAGE = ['decode-time spoof', 'wrong sampler seed'] as const;

/** Lines that are counted in the bar and were not caught throughout. */
const missed = ({ rows }: PartReport): string[] => attackRows(rows).filter(({ in_bar: inBar, caught, audited }) => inBar && caught < audited).map(({ attack, stage, caught, audited }) => `${attack}, ${stage}: ${caught} of ${audited}`);
const attackRows = (rows: PartReport['rows']): AttackRow[] => rows as AttackRow[];

describe('attacks on the seeded model', () => {
  test('A4 to A8, U2, U3, C3, C4: every attack of the list is there on its stages, and every audited unit of it is caught', async () => {
    const report = await runAttacks(context, { models: ['seeded'] });
    expect(missed(report)).toEqual([]);
    const told = (stage: string): string[] => attackRows(report.rows).filter((row) => row.stage === stage && row.audited > 0).map(({ attack }) => attack);
    for (const stage of STAGE_NAMES) for (const name of EVERY_STAGE) expect(told(stage).some((attack) => attack.startsWith(name)), `${name}, ${stage}`).toBe(true);
    for (const name of LAST_STAGE) expect(told('last').some((attack) => attack.startsWith(name)), name).toBe(true);
    expect(report.values).toMatchObject({ attack_least_rate: 1, unrelated_accepted: 0 });
    // What is not caught says why.
    for (const { in_bar: inBar, attack, note } of attackRows(report.rows)) if (!inBar) expect(note, attack).not.toBe('');
    expect(COMPUTE_ATTACKS.length).toBe(10);
  }, TIMEOUT_MS);

  test('A2, M7, A9: cheating does not pay at any length of record, and the bounds on false alarms hold in simulated years', () => {
    const { values, rows } = runEconomics(context);
    expect(values['deterrence_margin']).toBeGreaterThanOrEqual(2);
    expect(rows.find(({ what }) => what === 'near misses: false alarms, simulated')).toMatchObject({ value: 0 });
  });
});

describe.skipIf(DEFAULT_MODEL_PATH === undefined)(`attacks on the rows of the default model${NEEDS_DEFAULT_MODEL}`, () => {
  test('A5, A6: rows, commitments and auditors that are not what they should be are caught', async () => {
    const report = await runAttacks(context, { models: ['smollm2'], rowsOnly: true });
    expect(missed(report)).toEqual([]);
    expect(report.values).toMatchObject({ attack_least_rate: 1, unrelated_accepted: 0 });
  }, TIMEOUT_MS);
});
