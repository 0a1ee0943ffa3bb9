import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, toHex } from '../bytes.ts';
import { CommitmentError } from '../commitment/cells.ts';
import { decodeHints } from '../commitment/hints.ts';
import { UnitCells } from '../commitment/unit-cells.ts';
import type { BoundaryGrid } from '../commitment/cells.ts';
import type { UnitCut } from '../commitment/unit-cells.ts';
import type { Finding } from './transcript.ts';

/** The committed part of a unit that its own payload decides. */
export interface OwnCut {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  readonly canonHash: string;
  readonly hintHash: string;
  readonly hints: Uint8Array;
}

/** The decoder's words are our own, but findings are kept and shown: short. */
const MAX_TEXT_CHARACTERS = 200;
const SIDES = ['above its edge', 'below its edge'] as const;

/**
 * The committed flags; or a finding when the hints are no coding, or when cells or hints are not those of the opened payload's rows [to - from, channels]
 * (SPEC A5): whoever publishes other hints than its rows give steers what an auditor's rows become.
 */
export function checkOwnCut(unit: OwnCut, rows: Float32Array, grid: BoundaryGrid): { finding: Finding } | { finding: null; flags: Uint32Array } {
  const wrong = (code: Finding['code'], got: string, expected: string): { finding: Finding } => ({ finding: { unit: unit.unit, code, got, expected } });
  const hintHash = toHex(sha256(unit.hints));
  if (hintHash !== unit.hintHash) return wrong('bad-hints', unit.hintHash, hintHash);
  let flags: Uint32Array;
  try {
    flags = decodeHints(unit.hints, rows.length);
  } catch (error) {
    if (!(error instanceof CommitmentError)) throw error;
    return wrong('bad-hints', error.message.slice(0, MAX_TEXT_CHARACTERS), 'one exact coding');
  }
  const cut = cutOfRows(unit, rows, grid);
  if ('code' in cut) return { finding: cut };
  const canonHash = toHex(sha256(cut.cells));
  if (canonHash !== unit.canonHash) return wrong('own-cells', unit.canonHash, canonHash);
  if (equalBytes(cut.hints, unit.hints)) return { finding: null, flags };
  return { finding: { unit: unit.unit, code: 'own-hints', ...firstOtherFlag(flags, decodeHints(cut.hints, rows.length), unit.from, grid.channels) } };
}

function cutOfRows({ unit, from, to }: OwnCut, rows: Float32Array, grid: BoundaryGrid): UnitCut | Finding {
  const cells = new UnitCells(grid, from);
  try {
    let cut: UnitCut | undefined;
    for (let position = from; position < to; position++) cut = cells.accept(position, rows.subarray((position - from) * grid.channels, (position - from + 1) * grid.channels));
    return cut ?? (cells.close() as UnitCut);
  } catch (error) {
    if (!(error instanceof CommitmentError) || error.code === 'out-of-order') throw error;
    const { position, channel, value } = error.fields as { position: number; channel: number; value: number };
    return { unit, code: 'non-finite', position, channel, got: String(value), expected: 'a number that has a cell' };
  }
}

function firstOtherFlag(got: Uint32Array, expected: Uint32Array, from: number, channels: number): Omit<Finding, 'unit' | 'code'> {
  let at = 0;
  while (got[at] === expected[at]) at++;
  const element = Math.min(got[at] ?? Infinity, expected[at] ?? Infinity) >>> 1;
  const side = (flag: number | undefined): string => (flag !== undefined && flag >>> 1 === element ? SIDES[flag & 1] ?? '' : 'not flagged');
  return { position: from + Math.floor(element / channels), channel: element % channels, got: side(got[at]), expected: side(expected[at]) };
}
