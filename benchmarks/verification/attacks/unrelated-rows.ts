import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { commitUnit } from '../../../tests/support/cheats/committed-unit.ts';
import { seededNumbers } from '../../../tests/support/cheats/seeded-numbers.ts';
import { PROMPT_POSITIONS } from '../prompts.ts';
import { ATTACK_SEED } from './compute-attacks.ts';
import { gridTellsApart } from './early-grid.ts';
import { Tally } from './tally.ts';
import type { AuditedStage } from './audited-stage.ts';
import type { AttackRow } from './tally.ts';
import type { Reference } from '../stages-reference.ts';

/** Name of the attack. */
export const UNRELATED = 'unrelated payload, one row';

/**
 * Payloads that have nothing to do with the work, as fingerprints with a tolerance were found to let through: units of one row,
 * the least there is to tell from, against the row that the auditor computed. Most are true rows of the same boundary that
 * belong to another text or another position; a tenth each are random numbers and constants of the right scales, one number everywhere, and zeros.
 * Position 0 is left out: most texts begin alike.
 */
export function unrelatedRows(at: AuditedStage, reference: Reference, trials: number): AttackRow {
  const { channels, under, stage } = at;
  const all = reference.all(stage.index);
  const rowCount = all.length / channels;
  const { below, normal } = seededNumbers(ATTACK_SEED, `unrelated ${stage.name}`);
  const { scales } = at.seenByCheat({ prompt: 0, unit: 1 });
  const scale = scales(0);
  const madeUp = [() => scale.map((each) => each * normal()), () => scale.map((each) => each / 2), () => scale.map(() => normal()).fill(normal()), () => scale.map(() => 0)];
  const tally = new Tally();
  const input = new Uint8Array(4);
  while (tally.audited < trials) {
    const [wanted, given] = [below(rowCount), below(rowCount)];
    const position = wanted % PROMPT_POSITIONS;
    const auditor = rowAt(all, wanted, channels);
    const make = madeUp[tally.audited % 10];
    const own = make === undefined ? rowAt(all, given, channels).slice() : Float32Array.from(make());
    // Equal texts have equal rows at equal positions; those are related.
    if (position === 0 || given % PROMPT_POSITIONS === 0 || own.every((value, i) => value === auditor[i])) continue;
    const from = UNIT_POSITIONS + (position % UNIT_POSITIONS);
    const unit = commitUnit({ from, to: from + 1, input, rows: own }, under);
    tally.add(checkUnit(unit, auditor, under).finding?.code ?? null, gridTellsApart(own, auditor));
  }
  return tally.row(at.model.key, UNRELATED, stage.name, { note: 'a tenth each constants of the scale, one number, zeros and random numbers' });
}

const rowAt = (rows: Float32Array, row: number, channels: number): Float32Array => rows.subarray(row * channels, (row + 1) * channels);
