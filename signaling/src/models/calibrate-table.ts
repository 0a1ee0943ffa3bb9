import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { CalibrationFindings } from './calibrate-findings.ts';

/** Errors are read as powers of two. */
const power = (value: number): string => (value === 0 ? '0' : `2^${Math.log2(value).toFixed(1)}`);

const HEADINGS = ['layers', 'boundary', 'honest p50', 'p99.9', 'max', 'max at 0', '8 bits p50', 'p99.9', 'max', 'past 8 tau'];

/** The lines that `npm run calibrate` prints: honest and cheat errors of every stage, and the tolerances that follow. */
export function calibrationTable({ tauExponent, tauExponentAtZero, deltaExponent, version }: CalibrationTable, findings: CalibrationFindings): string {
  const rows = findings.stages.map(({ from, to, boundary, honest, honestAtZero, requantised, requantisedPast8Tau }) => [
    `${from}-${to - 1}`, String(boundary),
    power(honest.p50), power(honest.p999), power(honest.max), power(honestAtZero),
    power(requantised.p50), power(requantised.p999), power(requantised.max), `${(100 * requantisedPast8Tau).toFixed(1)} %`,
  ]);
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ');
  return [
    `Calibration version ${version}, errors in units of a channel's scale over ${findings.positions} positions`,
    line(HEADINGS),
    ...rows.map(line),
    `largest honest error ${power(findings.honestMax)}, at position 0 ${power(findings.honestMaxAtZero)}: tau 2^${tauExponent}, at position 0 2^${tauExponentAtZero}`,
    `largest honest logit difference ${power(findings.logitDifference)} of logits of rms ${findings.logitRms.toFixed(2)}: delta 2^${deltaExponent}`,
    'refusals: none',
  ].join('\n');
}
