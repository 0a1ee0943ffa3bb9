import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { decodeHints, encodeHints } from '@ciro/core/commitment/hints.ts';
import { payloadRows } from '@ciro/core/commitment/payload-rows.ts';
import { hex } from './committed-unit.ts';
import type { StageUnderAudit, UnitUnderAudit } from '@ciro/core/audit/check-unit.ts';

/** What a cheat does to a unit after it was computed: the rows may be right, what is said of them is not. */
export type CommitmentCheat = (unit: UnitUnderAudit, stage: StageUnderAudit) => UnitUnderAudit;

/** Flags every element with its nearest edge, so that an auditor's cells would follow the cheat's wherever both are near one. */
export const flagEverything: CommitmentCheat = (unit, stage) => {
  const { rows, grid } = opened(unit, stage);
  const flags = Uint32Array.from(rows, (value, element) => {
    const position = unit.from + Math.floor(element / grid.channels);
    const inverse = (position === 0 ? grid.inverseStepAtZero : grid.inverseStep)[element % grid.channels] ?? 1;
    const scaled = value * inverse;
    return 2 * element + (Math.round(scaled) > Math.floor(scaled) ? 1 : 0);
  });
  return withHints(unit, encodeHints(flags, flags.length));
};

/** Says of every flagged element that it lies on the other side of its edge. */
export const wrongSideHints: CommitmentCheat = (unit, stage) => {
  const { rows } = opened(unit, stage);
  const flags = decodeHints(unit.hints, rows.length).map((flag) => flag ^ 1);
  return withHints(unit, encodeHints(flags, flags.length));
};

/** Leaves all hints out. */
export const noHints: CommitmentCheat = (unit) => withHints(unit, encodeHints(new Uint32Array(0), 0));

/** Commits to the cells of one payload and shows another when it is asked for. */
export const otherPayloadShown = (shown: UnitUnderAudit): CommitmentCheat => (unit) => ({ ...unit, payload: shown.payload });

/** Claims other inputs than those it was given: whatever it likes to have computed. */
export const otherInputClaimed = (claimed: Uint8Array): CommitmentCheat => (unit) => ({ ...unit, input: claimed, inputHash: hex(claimed) });

function withHints(unit: UnitUnderAudit, hints: Uint8Array): UnitUnderAudit {
  return { ...unit, hints, hintHash: hex(hints) };
}

function opened(unit: UnitUnderAudit, { table, boundary, last }: StageUnderAudit) {
  const grid = boundaryGrid(table, boundary);
  const found = payloadRows(unit.payload, { positions: unit.to - unit.from, channels: grid.channels, ids: last });
  if (found === undefined) throw new RangeError(`unit ${unit.unit} has no payload of its shape`);
  return { rows: found.rows, grid };
}
