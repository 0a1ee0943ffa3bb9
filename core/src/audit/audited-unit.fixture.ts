import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, toHex } from '../bytes.ts';
import { boundaryGrid, CELLS_PER_TAU } from '../commitment/cells.ts';
import { leafHash } from '../commitment/leaf.ts';
import { UnitCells } from '../commitment/unit-cells.ts';
import { payloadWithIds } from '../commitment/unit-hashes.ts';
import { merkleRoot } from '../merkle/poseidon-tree.ts';
import { drawAt } from '../sampling/draw.ts';
import type { JobId, NodeId } from '../ids.ts';
import type { CalibrationTable } from '../model/manifest.ts';
import type { BoundaryGrid } from '../commitment/cells.ts';
import type { LeafUnderAudit } from './check-leaf.ts';
import type { UnitUnderAudit } from './check-unit.ts';

/** A table of `boundaries`, three for one layer, whose channels have scales 2^-2 … 2^3, and eight times that at position 0. */
export function auditTable(hidden: number, boundaries = 3): CalibrationTable {
  const exponents = Int8Array.from({ length: boundaries * hidden }, (_, index) => (index % 6) - 2);
  return { version: 1, hidden, exponents, exponentsAtZero: exponents.map((exponent) => exponent + 3), tauExponent: -12, tauExponentAtZero: -11, deltaExponent: -6 };
}

/** tau of a channel at a position, as a number. */
export const tauAt = (grid: BoundaryGrid, position: number, channel: number): number => 1 / (((position === 0 ? grid.inverseStepAtZero : grid.inverseStep)[channel] as number) * CELLS_PER_TAU);

/** Rows of the size that their scales say, from a seed: the sum of four draws is near enough to a bell. */
export function seededRows(seed: number, grid: BoundaryGrid, from: number, to: number): Float32Array {
  const rows = new Float32Array((to - from) * grid.channels);
  for (let element = 0; element < rows.length; element++) {
    const position = from + Math.floor(element / grid.channels);
    const scale = tauAt(grid, position, element % grid.channels) * 4096;
    rows[element] = scale * [0, 1, 2, 3].reduce((sum, part) => sum + drawAt(seed + part, from * grid.channels + element) - 0.5, 0);
  }
  return rows;
}

/** What a worker commits to for these rows; `ids` on the last stage. Everything in it fits together. */
export function committedUnit(options: { rows: Float32Array; table: CalibrationTable; boundary?: number; unit?: number; from: number; ids?: Uint32Array }): UnitUnderAudit {
  const { rows, table, from, ids } = options;
  const grid = boundaryGrid(table, options.boundary ?? 1);
  const to = from + rows.length / grid.channels;
  const cells = new UnitCells(grid, from);
  let cut;
  for (let position = from; position < to; position++) cut = cells.accept(position, rows.subarray((position - from) * grid.channels, (position - from + 1) * grid.channels));
  cut ??= cells.close();
  if (cut === undefined) throw new RangeError('a unit has rows');
  const bytes = new Uint8Array(rows.slice().buffer);
  const payload = ids === undefined ? bytes : payloadWithIds(bytes, new Uint8Array(ids.slice().buffer));
  const input = concatBytes(Uint8Array.of(7), payload).subarray(0, 4 * (to - from));
  const hash = (piece: Uint8Array): string => toHex(sha256(piece));
  return { unit: options.unit ?? cut.unit, from, to, input, payload, hints: cut.hints, inputHash: hash(input), payloadHash: hash(payload), canonHash: hash(cut.cells), hintHash: hash(cut.hints) };
}

/** A leaf that opens a unit among four. */
export function openedLeaf(unit: UnitUnderAudit): LeafUnderAudit & { readonly under: { readonly root: string; readonly leaves: readonly string[] } } {
  const context = { network: 'ciro-test', worker: 'a'.repeat(40) as NodeId, job: 'b'.repeat(32) as JobId, planHash: '1'.repeat(64), stage: 0, modelId: '2'.repeat(64), precision: 'f32' } as const;
  const salt = 'c'.repeat(32);
  const leaves = ['3', '4', '5'].map((digit) => digit.repeat(64));
  leaves.splice(2, 0, leafHash(context, { ...unit, linkHash: '' }, salt));
  return { context, salt, index: 2, under: { root: merkleRoot(leaves), leaves } };
}
