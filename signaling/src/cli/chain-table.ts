import { shortFelt } from '@ciro/contracts/chain/felts.ts';
import type { StepReport } from '@ciro/contracts/chain/deploy.ts';

/** Fri of one STRK. */
const STRK = 10 ** 18;

/** Fee in STRK with as many digits as tell two steps apart. */
export const strk = (fri: bigint): string => (Number(fri) / STRK).toFixed(4);

/** `deploy CiroToken      1,846,400 L2 gas   0.0055 STRK   0x1234…` */
export function describeStep({ step, state, note, receipt, estimatedFri }: StepReport): string {
  const name = step.padEnd(42);
  if (receipt !== undefined) return `${name}${receipt.l2Gas.toLocaleString('en-US').padStart(14)} L2 gas ${strk(receipt.feeFri).padStart(9)} STRK  ${shortFelt(receipt.hash)}`;
  if (estimatedFri !== undefined) return `${name}${' '.repeat(22)}${strk(estimatedFri).padStart(9)} STRK  (at most)`;
  return `${name}${state === 'there' ? 'there already' : state}${note === undefined ? '' : `: ${note}`}`;
}

/** What the steps cost together. */
export function describeSum(steps: readonly StepReport[]): string {
  const gas = steps.reduce((sum, { receipt }) => sum + (receipt?.l2Gas ?? 0), 0);
  const fees = steps.reduce((sum, { receipt, estimatedFri }) => sum + (receipt?.feeFri ?? estimatedFri ?? 0n), 0n);
  return `${'together'.padEnd(42)}${gas === 0 ? ' '.repeat(22) : `${gas.toLocaleString('en-US').padStart(14)} L2 gas `}${strk(fees).padStart(9)} STRK`;
}
