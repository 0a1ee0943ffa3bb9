import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { UnitCells } from '@ciro/core/commitment/unit-cells.ts';
import { NO_ID, payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import type { StageUnderAudit, UnitUnderAudit } from '@ciro/core/audit/check-unit.ts';

/** What a stage has to show for one unit, honest or not. */
export interface UnitWork {
  readonly from: number;
  readonly to: number;
  /** Ids or rows as they came, little-endian. */
  readonly input: Uint8Array;
  /** [to - from, channels]. */
  readonly rows: Float32Array;
  /** The last stage's ids; NO_ID everywhere when absent. */
  readonly ids?: Uint32Array;
}

/** The commitment that an honest tab would make to this work (SPEC U2, C2, C3), opened as an auditor sees it. */
export function commitUnit(work: UnitWork, stage: StageUnderAudit): UnitUnderAudit {
  const { from, to, input, rows } = work;
  const grid = boundaryGrid(stage.table, stage.boundary);
  const cells = new UnitCells(grid, from);
  let cut = undefined;
  for (let row = 0; row < to - from; row++) cut = cells.accept(from + row, rows.subarray(row * grid.channels, (row + 1) * grid.channels));
  cut ??= cells.close();
  if (cut === undefined) throw new RangeError(`positions ${from} to ${to} are no unit`);
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const ids = work.ids ?? new Uint32Array(to - from).fill(NO_ID);
  const payload = stage.last ? payloadWithIds(bytes, new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)) : bytes;
  return {
    unit: Math.floor(from / UNIT_POSITIONS),
    from,
    to,
    input,
    payload,
    hints: cut.hints,
    inputHash: hex(input),
    payloadHash: hex(payload),
    canonHash: hex(cut.cells),
    hintHash: hex(cut.hints),
  };
}

export const hex = (bytes: Uint8Array): string => toHex(sha256(bytes));
