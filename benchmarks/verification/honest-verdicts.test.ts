import { expect, test } from 'vitest';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { joinedResults, judgePair } from './honest-verdicts.ts';
import { NOTHING_COMPARED } from './stages-compare.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { BenchStage } from './models.ts';
import type { Audit, PairedWork } from './honest-verdicts.ts';

const HIDDEN = 8;
const PROMPTS = 2;
const TABLE: CalibrationTable = { version: 2, hidden: HIDDEN, exponents: new Int8Array(4 * HIDDEN), exponentsAtZero: new Int8Array(4 * HIDDEN), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 };
const MODEL = { table: TABLE, manifest: { architecture: { hidden: HIDDEN } } };
const MIDDLE: BenchStage = { index: 1, name: 'middle', shape: { from: 1, to: 2, embeds: false, heads: false }, boundary: 2, last: false };
const LAST: BenchStage = { index: 2, name: 'last', shape: { from: 2, to: 2, embeds: false, heads: true }, boundary: 3, last: true };

/** Rows that lie in the middle of their cells. */
const honest = (): Float32Array => Float32Array.from({ length: PROMPTS * 64 * HIDDEN }, (_, i) => ((i * 37) % 101) / 64 - 0.5 + 1 / 128);

function setup(change: { forward?: Partial<Audit>; backward?: Partial<Audit> } = {}, ids: Uint32Array | null = null): PairedWork {
  const audit = (): Audit => ({ worker: { rows: honest(), ids }, auditor: honest(), others: [] });
  return { prompts: PROMPTS, input: () => new Uint8Array(64 * 4), reference: honest(), forward: { ...audit(), ...change.forward }, backward: { ...audit(), ...change.backward } };
}

test('equal work passes every unit of every prompt', () => {
  expect(judgePair(MODEL, MIDDLE, setup())).toEqual({ ...NOTHING_COMPARED, rows: 128, bitEqual: 128, units: 8, unitMisses: 0, idsChecked: 0, idsAmbiguous: 0, idsWrong: 0, near: 0, fraudProofs: 0 });
});

test('work that is off fails its unit, and a quorum that sees it too convicts (SPEC A8)', () => {
  const rows = honest();
  rows[40 * HIDDEN] = (rows[40 * HIDDEN] ?? 0) + 0.25;
  expect(judgePair(MODEL, MIDDLE, setup({ forward: { worker: { rows, ids: null } } }))).toMatchObject({ misses: 1, unitMisses: 1, fraudProofs: 1 });
});

test('an engine that is off as an auditor fails honest units but convicts nobody (SPEC A8)', () => {
  const off = honest();
  off[40 * HIDDEN] = (off[40 * HIDDEN] ?? 0) + 0.25;
  expect(judgePair(MODEL, MIDDLE, setup({ backward: { auditor: off } }))).toMatchObject({ unitMisses: 1, fraudProofs: 0 });
});

test('wrong ids fail their unit, ambiguous ones are counted (SPEC A7)', () => {
  const ids = new Uint32Array(PROMPTS * 64).fill(NO_ID).fill(5, 32, 64);
  const others = [{ prompt: 0, position: 33, id: 5, gap: 0.001, ambiguous: true }, { prompt: 0, position: 50, id: 5, gap: 3, ambiguous: false }];
  expect(judgePair(MODEL, LAST, setup({ forward: { others } }, ids))).toMatchObject({ idsChecked: 64, idsAmbiguous: 1, idsWrong: 1, unitMisses: 1, fraudProofs: 1 });
});

test('stages join to one line: counts add up, the largest differences stay', () => {
  const off = honest();
  off[40 * HIDDEN] = (off[40 * HIDDEN] ?? 0) + 0.25;
  const [clean, failing] = [judgePair(MODEL, MIDDLE, setup()), judgePair(MODEL, MIDDLE, setup({ backward: { auditor: off } }))];
  expect(joinedResults([clean, failing, clean])).toEqual({ ...failing, rows: 384, bitEqual: 384, units: 24 });
});
