import { expect, it } from 'vitest';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { boundaryGrid, CELLS_PER_TAU } from '@ciro/core/commitment/cells.ts';
import { commitUnit } from '../../tests/support/cheats/committed-unit.ts';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import { ELEMENTS_ALONE, HASH_ALONE, pushed, WHOLE_VERDICT } from './steering-push.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';

const SEED = 20_251_130;
const HIDDEN = 256;
const ROWS = 40;
const TABLE: CalibrationTable = { version: 2, hidden: HIDDEN, exponents: Int8Array.from({ length: 3 * HIDDEN }, (_, i) => (i % 7) - 3), exponentsAtZero: new Int8Array(3 * HIDDEN), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 };
const STAGE = { table: TABLE, boundary: 1, last: false };
const grid = boundaryGrid(TABLE, 1);
const { normal } = seededNumbers(SEED);
/** A position past 0, alone in its unit. */
const POSITION = 16;

const rows = Array.from({ length: ROWS }, () => ({ row: Float32Array.from({ length: HIDDEN }, (_, channel) => normal() * 2 ** ((channel % 7) - 3)), gradient: Float32Array.from({ length: HIDDEN }, normal) }));
const findingOf = (honest: Float32Array, row: Float32Array): string | null => checkUnit(commitUnit({ from: POSITION, to: POSITION + 1, input: new Uint8Array(4), rows: row }, STAGE), honest, STAGE).finding?.code ?? null;

it(`A5, A6: a push within the whole verdict's limits is passed by it, and gains; without the limits it is refused by the part that it leaves out (seed ${SEED})`, () => {
  for (const { row, gradient } of rows) {
    const whole = pushed(row, POSITION, gradient, grid, WHOLE_VERDICT);
    expect(findingOf(row, whole.row)).toBeNull();
    const elements = pushed(row, POSITION, gradient, grid, ELEMENTS_ALONE);
    expect(findingOf(row, elements.row)).toBe('payload-bias');
    const hash = pushed(row, POSITION, gradient, grid, HASH_ALONE);
    expect(findingOf(row, hash.row)).toBe('payload-far');
    expect(whole.gain).toBeGreaterThan(0);
    expect(elements.gain).toBeGreaterThan(whole.gain);
    expect(hash.gain).toBeGreaterThan(elements.gain);
  }
});

it('the promised gain is what the read-out gains, and no other push within the limits gains more', () => {
  for (const { row, gradient } of rows) {
    const { row: moved, gain } = pushed(row, POSITION, gradient, grid, WHOLE_VERDICT);
    const real = moved.reduce((sum, value, i) => sum + (value - (row[i] ?? 0)) * (gradient[i] ?? 0), 0);
    expect(real / gain).toBeCloseTo(1, 2);
    // An upper bound by duality: all of the mean's budget at the largest gain there is.
    const best = gradient.reduce((most, value, i) => Math.max(most, Math.abs(value) / (grid.inverseStep[i] ?? 1) / CELLS_PER_TAU), 0);
    expect(gain).toBeLessThanOrEqual(best * WHOLE_VERDICT.mean * HIDDEN);
  }
});
