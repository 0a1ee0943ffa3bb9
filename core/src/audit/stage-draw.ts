import { auditDraw, AUDIT_DRAW, cutOf } from './audit-draw.ts';
import type { HexHash } from '../ids.ts';
import type { AuditDraw } from './transcript.ts';

/** What the draw says about one stage. */
export type StageDraw = AuditDraw['stages'][number];
/** Why a stage is audited in full whatever the draw says (SPEC A2). */
export type FullReason = Exclude<StageDraw['reason'], 'drawn' | 'newcomer' | null>;

/**
 * The draw about one stage of `units` units (SPEC A2). `full`: a reason to look at every unit that does not hang on the draw;
 * a rate of 1 is one more (`newcomer`). A stage without units has nothing to look at.
 */
export function stageDraw(beacon: HexHash, stage: number, options: { units: number; rate: number; full: FullReason | null }): StageDraw {
  const draw = auditDraw(beacon, stage, AUDIT_DRAW);
  const { units } = options;
  const rate = options.full === null ? options.rate : 1;
  if (units === 0) return { rate, draw, units: 0, reason: null };
  if (options.full !== null) return { rate, draw, units, reason: options.full };
  if (rate >= 1) return { rate, draw, units, reason: 'newcomer' };
  return draw < rate ? { rate, draw, units: cutOf(beacon, stage, units), reason: 'drawn' } : { rate, draw, units: 0, reason: null };
}
