import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { boundaryGrid } from './cells.ts';
import { decodeHints, encodeHints } from './hints.ts';
import { UnitCells } from './unit-cells.ts';
import { UnitCommitter } from './unit-committer.ts';
import { hashUnit, NO_ID, payloadWithIds, UNIT_POSITIONS } from './unit-hashes.ts';
import type { ClosedUnit } from './unit-hashes.ts';

const CHANNELS = 4;
const grid = boundaryGrid({ version: 1, hidden: CHANNELS, exponents: new Int8Array(CHANNELS), exponentsAtZero: Int8Array.of(3, 3, 3, 3), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -6 }, 0);
/** s = 64 tau of scale 1, and of scale 8 at position 0. */
const step = (position: number): number => (position === 0 ? 2 ** -3 : 2 ** -6);

const inputAt = (position: number): Uint8Array => Uint8Array.of(position, 1, 2, 3);
const rowAt = (position: number): Float32Array => Float32Array.from({ length: CHANNELS }, (_, channel) => ((position + 1) * (channel - 1.5)) / 3);
const idAt = (position: number): number => (position < 5 ? NO_ID : position * 1000);

const positionsOf = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const bytesOf = (array: Float32Array | Int32Array | Uint32Array): Uint8Array => new Uint8Array(array.buffer);
/** SHA-256 by Node's OpenSSL, independent of the library under test. */
function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function commit(from: number, to: number, samples: boolean): ClosedUnit[] {
  const committer = new UnitCommitter(grid, { samples, first: from });
  const closed = positionsOf(from, to).map((position) => committer.accept(position, inputAt(position), rowAt(position), samples ? idAt(position) : undefined));
  return [...closed, committer.close()].filter((unit) => unit !== undefined);
}

test.each([
  [0, 1, [[0, 0, 1]]],
  [0, 16, [[0, 0, 16]]],
  [0, 17, [[0, 0, 16], [1, 16, 17]]],
  [0, 40, [[0, 0, 16], [1, 16, 32], [2, 32, 40]]],
  [21, 50, [[1, 21, 32], [2, 32, 48], [3, 48, 50]]],
  [5, 5, []],
])('U1: positions %i to %i close as units %j on the fixed grid', (from, to, expected) => {
  expect(commit(from, to, false).map((unit) => [unit.unit, unit.from, unit.to])).toEqual(expected);
});

test('U1: a row that is not the next one, or is of another width, is refused and changes nothing', () => {
  const committer = new UnitCommitter(grid, { samples: false });
  committer.accept(0, inputAt(0), rowAt(0));
  const wrong = expect.objectContaining({ code: 'out-of-order', fault: 'bug' });
  expect(() => committer.accept(0, inputAt(0), rowAt(0))).toThrow(wrong);
  expect(() => committer.accept(2, inputAt(2), rowAt(2))).toThrow(wrong);
  expect(() => committer.accept(1, inputAt(1), new Float32Array(CHANNELS + 1))).toThrow(wrong);
  committer.accept(1, inputAt(1), rowAt(1));
  expect(committer.next).toBe(2);
  expect(committer.close()).toEqual(commit(0, 2, false)[0]);
});

test('U2: a middle stage hashes the bytes given, the rows, their cells as int32 and the coded hints', () => {
  const [unit] = commit(0, UNIT_POSITIONS, false);
  const all = positionsOf(0, UNIT_POSITIONS);
  const cells = all.map((position) => Int32Array.from(rowAt(position), (value) => Math.floor(value / step(position))));
  const flags = all.flatMap((position, row) =>
    [...rowAt(position)].flatMap((value, channel) => {
      const fraction = value / step(position) - Math.floor(value / step(position));
      const element = row * CHANNELS + channel;
      return fraction < 1 / 64 ? [element * 2] : fraction > 63 / 64 ? [element * 2 + 1] : [];
    }),
  );
  const hints = encodeHints(Uint32Array.from(flags), flags.length);
  const payloadHash = sha256(all.map((position) => bytesOf(rowAt(position))));
  expect(unit).toEqual({
    unit: 0,
    from: 0,
    to: UNIT_POSITIONS,
    inputHash: sha256(all.map(inputAt)),
    payloadHash,
    canonHash: sha256(cells.map(bytesOf)),
    hintHash: sha256([hints]),
    linkHash: payloadHash,
    hints,
  });
  expect(flags.length).toBeGreaterThan(0);
  expect([...decodeHints(unit?.hints ?? new Uint8Array(), UNIT_POSITIONS * CHANNELS)]).toEqual(flags);
});

test('U2, U4: the last stage hashes each row with its id, and its link hash is over the ids alone', () => {
  const unit = commit(16, 27, true)[0];
  const all = positionsOf(16, 27);
  const idBytes = (position: number): Uint8Array => bytesOf(Uint32Array.of(idAt(position)));
  expect(unit?.payloadHash).toBe(sha256(all.flatMap((position) => [bytesOf(rowAt(position)), idBytes(position)])));
  expect(unit?.linkHash).toBe(sha256(all.map(idBytes)));
  expect(unit?.canonHash).toBe(commit(16, 27, false)[0]?.canonHash);
});

test('U4: the link hash of a stage is the input hash of the next one, at every unit', () => {
  const upstream = new UnitCommitter(grid, { samples: false });
  const downstream = new UnitCommitter(grid, { samples: true });
  const pairs = positionsOf(0, 37).map((position) => [
    upstream.accept(position, inputAt(position), rowAt(position)),
    downstream.accept(position, bytesOf(rowAt(position)), rowAt(position + 1), idAt(position)),
  ]);
  pairs.push([upstream.close(), downstream.close()]);
  const closed = pairs.filter(([mine]) => mine !== undefined);
  expect(closed).toHaveLength(3);
  for (const [mine, theirs] of closed) expect(theirs?.inputHash).toBe(mine?.linkHash);
});

test('U2: the hashes do not depend on which view of memory a row came in', () => {
  const wide = new Float32Array(3 * CHANNELS);
  wide.set(rowAt(7), CHANNELS);
  const view = new UnitCommitter(grid, { samples: false, first: 7 });
  view.accept(7, inputAt(7), wide.subarray(CHANNELS, 2 * CHANNELS));
  expect(view.close()).toEqual(commit(7, 8, false)[0]);
});

test('U2: one changed bit of a row changes payload hash and link hash; below tau the canonical hash stays', () => {
  const nudged = rowAt(3);
  // Element 0 of row 3 is -2, on a cell edge and therefore flagged: the least change that can matter.
  nudged[1] = Math.fround((nudged[1] ?? 0) + 2 ** -22);
  const committer = new UnitCommitter(grid, { samples: false, first: 3 });
  committer.accept(3, inputAt(3), nudged);
  const changed = committer.close();
  const [original] = commit(3, 4, false);
  expect(changed?.payloadHash).not.toBe(original?.payloadHash);
  expect(changed?.linkHash).not.toBe(original?.linkHash);
  expect(changed?.canonHash).toBe(original?.canonHash);
  expect(changed?.inputHash).toBe(original?.inputHash);
});

const digest = async (bytes: Uint8Array): Promise<Uint8Array> => createHash('sha256').update(bytes).digest();
const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test.each([
  ['a middle stage', false, 0, 40],
  ['the last stage', true, 0, 33],
  ['a stage that took over in the middle', true, 21, 50],
])('U2, U4: cells as rows come and hashes when the unit is full give the same units, for %s', async (_what, samples, first, end) => {
  const cells = new UnitCells(grid, first);
  const cuts = positionsOf(first, end).map((position) => cells.accept(position, rowAt(position)));
  expect([cells.from, cells.next]).toEqual([end - (end % UNIT_POSITIONS), end]);
  const units = [...cuts, cells.close()].flatMap((cut) => {
    if (cut === undefined) return [];
    const all = positionsOf(cut.from, cut.to);
    const ids = bytesOf(Uint32Array.from(all, idAt));
    const rows = joined(all.map((position) => bytesOf(rowAt(position))));
    return [hashUnit({ ...cut, input: joined(all.map(inputAt)), payload: samples ? payloadWithIds(rows, ids) : rows, ...(samples && { link: ids }) }, digest)];
  });
  expect(await Promise.all(units)).toEqual(commit(first, end, samples));
});

test('U2: cells of a unit stay as they are while the next one is made', () => {
  const cells = new UnitCells(grid);
  const [first] = positionsOf(0, UNIT_POSITIONS).map((position) => cells.accept(position, rowAt(position))).slice(-1);
  const before = first?.cells.slice();
  for (const position of positionsOf(UNIT_POSITIONS, 20)) cells.accept(position, rowAt(position));
  expect(first?.cells).toEqual(before);
  expect(cells.close()?.cells).toHaveLength(4 * 4 * CHANNELS);
  expect(cells.close()).toBeUndefined();
});
