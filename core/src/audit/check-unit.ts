import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { boundaryGrid } from '../commitment/cells.ts';
import { payloadRows } from '../commitment/payload-rows.ts';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { AuditError } from './audit-error.ts';
import { checkLeaf } from './check-leaf.ts';
import { checkOwnCut } from './check-own-cut.ts';
import { compareRows } from './compare-rows.ts';
import type { CalibrationTable } from '../model/manifest.ts';
import type { LeafUnderAudit } from './check-leaf.ts';
import type { Finding } from './transcript.ts';

/** A unit as it was committed, with the pieces that open it. Anything in it may be hostile. */
export interface UnitUnderAudit {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  readonly inputHash: string;
  readonly payloadHash: string;
  readonly canonHash: string;
  readonly hintHash: string;
  readonly hints: Uint8Array;
  readonly payload: Uint8Array;
  readonly input: Uint8Array;
  /** Absent: the caller has checked the leaf already (`checkLeaf`). */
  readonly leaf?: LeafUnderAudit;
}

/** What the audited stage is. */
export interface StageUnderAudit {
  readonly table: CalibrationTable;
  /** Its output's boundary: the layer it ends before, or layers + 1 for the last stage (SPEC words). */
  readonly boundary: number;
  /** The last stage's payload rows carry ids. */
  readonly last: boolean;
}

/** What an auditor's rows say about one unit. Both figures are in units of tau and cover what could be compared. */
export interface UnitCheck {
  readonly finding: Finding | null;
  readonly worstOfTau: number;
  readonly meanOfTau: number;
}

/**
 * Judges a unit by an auditor's rows [to - from, channels] (SPEC A5, A6). Looks for what `FINDING_CODES` lists, in that order, and
 * names the first wrong element. About 1.5 ms at d = 576, most of it SHA-256.
 *
 * @throws AuditError `wrong-shape` when the positions are not those of the unit (SPEC U1), or the rows not those of the positions
 */
export function checkUnit(unit: UnitUnderAudit, rows: Float32Array, stage: StageUnderAudit): UnitCheck {
  const grid = boundaryGrid(stage.table, stage.boundary);
  const positions = unit.to - unit.from;
  if (!liesOnGrid(unit) || rows.length !== positions * grid.channels) {
    throw new AuditError('wrong-shape', `unit ${unit.unit} has positions ${unit.from} to ${unit.to} of ${grid.channels} channels, the auditor gave ${rows.length} numbers; its result is not used`, { fault: 'peer', fields: { unit: unit.unit, numbers: rows.length } });
  }
  const opened = payloadRows(unit.payload, { positions, channels: grid.channels, ids: stage.last });
  if (opened === undefined) {
    const shape = wrong(unit, 'payload-hash', `${unit.payload.length} bytes`, `rows of ${positions} positions and ${grid.channels} channels`);
    return { finding: checkPieces(unit) ?? shape, worstOfTau: 0, meanOfTau: 0 };
  }
  const own = checkOwnCut(unit, opened.rows, grid);
  const compared = compareRows({ unit: unit.unit, from: unit.from, grid, own: opened.rows, auditor: rows, flags: own.finding === null ? own.flags : new Uint32Array(0) });
  return { ...compared, finding: checkPieces(unit) ?? own.finding ?? compared.finding };
}

/** Positions lie inside their unit's sixteen (SPEC U1). */
export function liesOnGrid({ unit, from, to }: { unit: number; from: number; to: number }): boolean {
  return Number.isSafeInteger(unit) && unit >= 0 && from >= unit * UNIT_POSITIONS && from < to && to <= (unit + 1) * UNIT_POSITIONS && Number.isSafeInteger(from) && Number.isSafeInteger(to);
}

/** Pieces are those that were signed, and the unit those hashes make is under the root. */
function checkPieces(unit: UnitUnderAudit): Finding | null {
  const input = toHex(sha256(unit.input));
  if (input !== unit.inputHash) return wrong(unit, 'input-hash', unit.inputHash, input);
  const payload = toHex(sha256(unit.payload));
  if (payload !== unit.payloadHash) return wrong(unit, 'payload-hash', unit.payloadHash, payload);
  return unit.leaf === undefined ? null : checkLeaf(unit, unit.leaf);
}

const wrong = ({ unit }: UnitUnderAudit, code: Finding['code'], got: string, expected: string): Finding => ({ unit, code, got, expected });

/** True for what hashes alone would show; what is left shows only element by element (SPEC A5, A6). */
export function isHashFinding(code: Finding['code']): boolean {
  return code !== 'payload-far' && code !== 'payload-bias' && code !== 'sampled-id';
}
