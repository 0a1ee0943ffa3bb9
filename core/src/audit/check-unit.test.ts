import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import { boundaryGrid } from '../commitment/cells.ts';
import { decodeHints, encodeHints } from '../commitment/hints.ts';
import { merklePath } from '../merkle/poseidon-tree.ts';
import { drawAt } from '../sampling/draw.ts';
import { auditTable, committedUnit, openedLeaf, seededRows, tauAt } from './audited-unit.fixture.ts';
import { provenLeaves } from './check-leaf.ts';
import { checkUnit, isHashFinding } from './check-unit.ts';
import { FINDING_CODES } from './transcript.ts';
import type { UnitUnderAudit } from './check-unit.ts';
import type { Finding } from './transcript.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`check-unit: seed ${seed}`);

const CHANNELS = 32;
const table = auditTable(CHANNELS);
const grid = boundaryGrid(table, 1);
const stage = { table, boundary: 1, last: false };
const hash = (bytes: Uint8Array): string => toHex(sha256(bytes));
const taus = (rows: Float32Array, from: number): Float64Array => Float64Array.from(rows, (_, element) => tauAt(grid, from + Math.floor(element / CHANNELS), element % CHANNELS));

/** `unit` of 16 rows that position 0 is part of, or not. */
function setup(options: { seed?: number; from?: number; to?: number } = {}): { rows: Float32Array; unit: UnitUnderAudit } {
  const { from = 16, to = 20 } = options;
  const rows = seededRows(options.seed ?? 1, grid, from, to);
  return { rows, unit: committedUnit({ rows, table, from }) };
}

const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));

test('A5: an auditor with the worker\'s own rows finds nothing, at position 0 too, and with leaves or a path', () => {
  for (const from of [0, 16]) {
    const { rows, unit } = setup({ from, to: from + 16 });
    const leaf = openedLeaf(unit);
    const { root, leaves } = leaf.under;
    const proven = provenLeaves(root, leaves);
    expect(proven).toBeDefined();
    for (const under of [leaf.under, { root, path: merklePath(leaves, 2) }]) expect(checkUnit({ ...unit, leaf: { ...leaf, under } }, rows, stage)).toEqual({ finding: null, worstOfTau: 0, meanOfTau: 0 });
  }
});

/** Differences in units of tau, each below 1, of which the mean of a row stays below an eighth. */
const honestNoise = fc.array(fc.oneof({ weight: 9, arbitrary: fc.double({ min: -0.1, max: 0.1, noNaN: true }) }, { weight: 1, arbitrary: fc.double({ min: -0.999, max: 0.999, noNaN: true }) }), { minLength: 4 * CHANNELS, maxLength: 4 * CHANNELS });

test('A6, C4: noise of an honest engine, below tau everywhere and small on average, is never a finding', () => {
  fc.assert(
    fc.property(fc.nat(), honestNoise, fc.constantFrom(0, 16, 28), (rowSeed, noise, from) => {
      const { rows, unit } = setup({ seed: rowSeed, from, to: from + 4 });
      const tau = taus(rows, from);
      const theirs = rows.map((value, element) => {
        const moved = Math.fround(value + (noise[element] ?? 0) * (tau[element] ?? 0));
        // What rounding to float32 carries to tau is no noise below tau.
        return Math.abs(moved - value) < (tau[element] ?? 0) ? moved : value;
      });
      const mean = Math.max(...[0, 1, 2, 3].map((row) => theirs.subarray(row * CHANNELS, (row + 1) * CHANNELS).reduce((sum, value, channel) => sum + Math.abs(value - (rows[row * CHANNELS + channel] ?? 0)) / (tau[row * CHANNELS + channel] ?? 1), 0) / CHANNELS));
      fc.pre(mean <= 1 / 8);
      const check = checkUnit(unit, theirs, stage);
      expect(check.finding).toBeNull();
      expect(check.worstOfTau).toBeLessThan(1);
      expect(check.meanOfTau).toBeCloseTo(mean, 9);
    }),
    { seed, numRuns: 400 },
  );
});

test('A5, A6: any one element that was moved by more than 2 tau is found and named', () => {
  const codes = new Map<string, number>();
  fc.assert(
    fc.property(fc.nat(), fc.nat(4 * CHANNELS - 1), fc.double({ min: 2.01, max: 5_000, noNaN: true }), fc.boolean(), fc.constantFrom(0, 16), (rowSeed, element, size, up, from) => {
      const rows = seededRows(rowSeed, grid, from, from + 4);
      const tau = taus(rows, from)[element] ?? 0;
      const theirs = rows.slice();
      const tampered = rows.slice();
      tampered[element] = (rows[element] ?? 0) + (up ? size : -size) * tau;
      fc.pre(Math.abs((tampered[element] ?? 0) - (rows[element] ?? 0)) > 2 * tau);
      const { finding, worstOfTau } = checkUnit(committedUnit({ rows: tampered, table, from }), theirs, stage);
      expect(finding).toMatchObject({ position: from + Math.floor(element / CHANNELS), channel: element % CHANNELS, got: String(tampered[element]), expected: String(theirs[element]) });
      expect(['cells', 'far-from-edge', 'payload-far']).toContain(finding?.code);
      expect(worstOfTau).toBeGreaterThan(2);
      codes.set(finding?.code ?? '', (codes.get(finding?.code ?? '') ?? 0) + 1);
    }),
    { seed, numRuns: 600 },
  );
  // Inside a cell only the comparison of elements sees it.
  expect(codes.get('payload-far')).toBeGreaterThan(10);
  expect(codes.get('cells')).toBeGreaterThan(10);
});

test('A5: any one bit of hints, payload, input or of any signed hash that was changed is found', () => {
  const { rows, unit } = setup({ to: 19 });
  const leaf = openedLeaf(unit);
  const parts = { hints: 'bad-hints', payload: 'payload-hash', input: 'input-hash' } as const;
  fc.assert(
    fc.property(fc.constantFrom('hints', 'payload', 'input'), fc.nat(), fc.nat(7), (part, at, bit) => {
      const damaged = { ...unit, [part]: flipped(unit[part], at % unit[part].length, bit), leaf };
      expect(checkUnit(damaged, rows, stage).finding?.code).toBe(parts[part]);
    }),
    { seed, numRuns: 300 },
  );
  const hashes = { inputHash: 'input-hash', payloadHash: 'payload-hash', canonHash: 'leaf', hintHash: 'leaf' } as const;
  for (const [name, code] of Object.entries(hashes)) expect(checkUnit({ ...unit, [name]: 'f'.repeat(64), leaf }, rows, stage).finding?.code).toBe(code);
});

test('A5: a payload, hints or input that were exchanged together with their hash are not those of the leaf', () => {
  const { rows, unit } = setup();
  const leaf = openedLeaf(unit);
  const other = setup({ seed: 99 });
  expect(checkUnit({ ...other.unit, leaf }, other.rows, stage).finding).toMatchObject({ code: 'leaf', unit: 1, got: leaf.under.leaves[2] });
  expect(checkUnit({ ...unit, from: 17, to: 21, leaf }, rows, stage).finding?.code).toBe('leaf');
  const salt = 'd'.repeat(32);
  expect(checkUnit({ ...unit, leaf: { ...leaf, salt } }, rows, stage).finding?.code).toBe('leaf');
  expect(checkUnit({ ...unit, leaf: { ...leaf, context: { ...leaf.context, job: 'e'.repeat(32) as never } } }, rows, stage).finding?.code).toBe('leaf');
});

test('A5: a leaf at another place, a path of another tree and a path that is none are found without a throw', () => {
  const { rows, unit } = setup();
  const leaf = openedLeaf(unit);
  const { root, leaves } = leaf.under;
  const path = merklePath(leaves, 2);
  const code = (change: Partial<typeof leaf> | { under: { root: string; path: readonly string[] } }): string | undefined => checkUnit({ ...unit, leaf: { ...leaf, ...change } }, rows, stage).finding?.code;
  expect(code({ index: 1 })).toBe('leaf');
  expect(code({ index: 9 })).toBe('leaf');
  expect(code({ under: { root: `0x${'1'.repeat(60)}`, path } })).toBe('leaf');
  for (const bad of [[], path.toReversed(), ['0xzz', '0x1'], [`0x${'f'.repeat(64)}`, '0x0'], [...path, '0x0']]) expect(code({ under: { root, path: bad } }), bad.join()).toBe('leaf');
  for (const index of [-1, 1.5, Number.NaN, 4]) expect(code({ index, under: { root, path } })).toBe('leaf');
  expect(provenLeaves(root, leaves.with(0, '9'.repeat(64)))).toBeUndefined();
  expect(provenLeaves(root, ['not a digest'])).toBeUndefined();
});

/** The unit with other hints, and everything that hashes them made to fit. */
const withHints = (unit: UnitUnderAudit, hints: Uint8Array): UnitUnderAudit => ({ ...unit, hints, hintHash: hash(hints) });

test('A5: hints that flag every element, that name the other side or leave one out are not the payload\'s own', () => {
  const { rows, unit } = setup({ to: 32 });
  const flags = decodeHints(unit.hints, rows.length);
  const all = Uint32Array.from(rows, (_, element) => element * 2);
  const [first = 0] = flags;
  const place = { position: 16 + Math.floor((first >>> 1) / CHANNELS), channel: (first >>> 1) % CHANNELS };
  expect(flags.length).toBeGreaterThan(2);
  expect(checkUnit(withHints(unit, encodeHints(all, all.length)), rows, stage).finding).toMatchObject({ code: 'own-hints', position: 16, channel: 0, got: 'above its edge' });
  const otherSide = flags.with(0, first ^ 1);
  expect(checkUnit(withHints(unit, encodeHints(otherSide, otherSide.length)), rows, stage).finding).toMatchObject({ code: 'own-hints', ...place });
  expect(checkUnit(withHints(unit, encodeHints(flags.subarray(1), flags.length - 1)), rows, stage).finding).toMatchObject({ code: 'own-hints', ...place, got: 'not flagged' });
  expect(checkUnit(withHints(unit, encodeHints(flags, flags.length - 1)), rows, stage).finding?.code).toBe('own-hints');
});

test('A5: hints of any bytes whatever are a finding, never a throw', () => {
  const { rows, unit } = setup();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (hints) => {
      fc.pre(hash(hints) !== unit.hintHash);
      expect(['bad-hints', 'own-hints']).toContain(checkUnit(withHints(unit, hints), rows, stage).finding?.code);
    }),
    { seed, numRuns: 300 },
  );
});

test('A5: cells that are not those of the payload are found although rows and hints are right', () => {
  const { rows, unit } = setup();
  expect(checkUnit({ ...unit, canonHash: '5'.repeat(64) }, rows, stage).finding).toMatchObject({ code: 'own-cells', got: '5'.repeat(64), expected: unit.canonHash });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 3e38])('A5: a payload that holds %d is named by element, and an auditor that does is told apart by its value', (value) => {
  const { rows, unit } = setup();
  const broken = rows.with(CHANNELS + 3, value);
  const payload = new Uint8Array(broken.buffer);
  expect(checkUnit({ ...unit, payload, payloadHash: hash(payload) }, rows, stage).finding).toMatchObject({ code: 'non-finite', position: 17, channel: 3, got: String(broken[CHANNELS + 3]) });
  const check = checkUnit(unit, broken, stage);
  expect(check.finding).toMatchObject({ code: 'non-finite', position: 17, channel: 3, expected: String(broken[CHANNELS + 3]), got: String(rows[CHANNELS + 3]) });
  expect(Number.isFinite(check.worstOfTau) && Number.isFinite(check.meanOfTau)).toBe(true);
});

/** Every element pushed by `size` of tau, by a sign each. */
const pushed = (rows: Float32Array, from: number, size: (element: number) => number): Float32Array => {
  const tau = taus(rows, from);
  return rows.map((value, element) => value + size(element) * (tau[element] ?? 0));
};

test('A6: a push of a quarter of tau in every channel is found, whatever its signs; no cell shows it', () => {
  for (const signs of [() => 1, (element: number) => (element % 2 === 0 ? 1 : -1)]) {
    for (const from of [0, 16]) {
      const { rows, unit } = setup({ seed: from + 5, from, to: from + 16 });
      const { finding, worstOfTau, meanOfTau } = checkUnit(unit, pushed(rows, from, (element) => signs(element) / 4), stage);
      expect(finding).toMatchObject({ code: 'payload-bias', position: from });
      expect(meanOfTau).toBeCloseTo(1 / 4, 2);
      expect(worstOfTau).toBeCloseTo(1 / 4, 1);
    }
  }
});

test('A6: Gaussian noise of tau / 32 is never taken for a push (500 units)', () => {
  const uniform = (index: number): number => drawAt(seed, index) || 0.5;
  const gauss = Array.from({ length: 4_096 }, (_, index) => Math.sqrt(-2 * Math.log(uniform(2 * index))) * Math.cos(2 * Math.PI * uniform(2 * index + 1)));
  for (let run = 0; run < 500; run++) {
    const { rows, unit } = setup({ seed: seed + run, from: 16, to: 20 });
    const check = checkUnit(unit, pushed(rows, 16, (element) => (gauss[(run * 131 + element) % gauss.length] ?? 0) / 32), stage);
    expect(check.finding).toBeNull();
  }
});

test('A5: what is wrong is looked for in a fixed order, and of one kind the first element is named', () => {
  const { rows, unit } = setup({ to: 32 });
  const theirs = rows.slice();
  // Later elements leave their cells; an earlier one only moves inside its own.
  const middle = rows.findIndex((value, element) => element > 3 && Math.abs((((value / (tauAt(grid, 16, element % CHANNELS) * 64)) % 1) + 1) % 1 - 0.5) < 0.2 && element < CHANNELS);
  theirs[middle] = (rows[middle] ?? 0) + 3 * tauAt(grid, 16, middle % CHANNELS);
  expect(checkUnit(unit, theirs, stage).finding).toMatchObject({ code: 'payload-far', position: 16, channel: middle });
  for (const element of [5 * CHANNELS + 2, 9 * CHANNELS + 1]) theirs[element] = (rows[element] ?? 0) + 640 * tauAt(grid, 17, element % CHANNELS);
  const { finding } = checkUnit(unit, theirs, stage);
  expect(finding).toMatchObject({ position: 21, channel: 2 });
  expect(finding?.code).toBe('cells');
  expect(checkUnit({ ...unit, inputHash: '0'.repeat(64), payloadHash: '0'.repeat(64) }, theirs, stage).finding?.code).toBe('input-hash');
});

test('A7: the last stage\'s rows carry ids, and are looked at without them', () => {
  const rows = seededRows(8, grid, 16, 20);
  const unit = committedUnit({ rows, table, from: 16, ids: Uint32Array.of(1, 2, 0xffffffff, 4) });
  expect(checkUnit(unit, rows, { ...stage, last: true }).finding).toBeNull();
  expect(checkUnit(unit, rows, stage).finding).toMatchObject({ code: 'payload-hash', got: `${unit.payload.length} bytes` });
});

test('A5: a payload of another length is the worker\'s fault, rows of another shape the auditor\'s', () => {
  const { rows, unit } = setup();
  const payload = unit.payload.subarray(0, -4);
  expect(checkUnit({ ...unit, payload, payloadHash: hash(payload) }, rows, stage)).toMatchObject({ finding: { code: 'payload-hash' }, worstOfTau: 0, meanOfTau: 0 });
  expect(() => checkUnit(unit, rows.subarray(1), stage)).toThrow(expect.objectContaining({ code: 'wrong-shape', fault: 'peer' }));
  for (const positions of [{ from: 20, to: 20 }, { from: 30, to: 34 }, { from: 15, to: 19 }, { unit: 2 }]) expect(() => checkUnit({ ...unit, ...positions }, rows, stage)).toThrow(expect.objectContaining({ code: 'wrong-shape' }));
});

test('A5: payloads may lie at any byte offset', () => {
  const { rows, unit } = setup();
  const shifted = new Uint8Array(unit.payload.length + 1);
  shifted.set(unit.payload, 1);
  expect(checkUnit({ ...unit, payload: shifted.subarray(1) }, rows, stage).finding).toBeNull();
});

test('A5, A6: three of the findings are past what hashes show', () => {
  const unseen: readonly Finding['code'][] = ['payload-far', 'payload-bias', 'sampled-id'];
  for (const code of FINDING_CODES) expect(isHashFinding(code)).toBe(!unseen.includes(code));
});
