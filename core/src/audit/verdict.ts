import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import type { SampledIds } from '../protocol/audit-from-worker.ts';
import type { UnitCheck } from './check-unit.ts';
import type { Finding, Verdict } from './transcript.ts';

/**
 * What one auditor's rows say about a stage: the first wrong element of all its units, in unit order, and the largest differences
 * (SPEC A5 to A7). `ids`: the last stage's ids against the auditor's logits; elsewhere those that the stage turned (SPEC A10), or null. Ambiguous ids are never wrong.
 */
export function verdictOf(units: readonly UnitCheck[], ids: SampledIds | null): Verdict {
  const findings = units.flatMap(({ finding }) => finding ?? []);
  const wrongId = ids?.wrong.reduce<SampledIds['wrong'][number] | undefined>((least, each) => (least === undefined || each.position < least.position ? each : least), undefined);
  if (wrongId !== undefined) {
    findings.push({ unit: Math.floor(wrongId.position / UNIT_POSITIONS), code: 'sampled-id', position: wrongId.position, got: String(wrongId.id), expected: `an id within the tolerance; this one is ${wrongId.gap} off` });
  }
  // Of one unit, what is wrong with its rows comes before what is wrong with its ids.
  const first = findings.reduce<Finding | null>((least, each) => (least === null || each.unit < least.unit ? each : least), null);
  return {
    passed: first === null,
    first,
    worstOfTau: units.reduce((most, { worstOfTau }) => Math.max(most, worstOfTau), 0),
    meanOfTau: units.reduce((most, { meanOfTau }) => Math.max(most, meanOfTau), 0),
  };
}
