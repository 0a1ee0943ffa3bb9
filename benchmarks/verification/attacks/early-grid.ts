/**
 * The comparison that the network began with, kept as a column beside the verdict: every value as half precision, rounded to
 * a multiple of 1/64, clamped to ±100; then one SHA-256 over all of them. Equal hashes are equal rounded values, so those are compared.
 */
const STEPS = 64;
const CLAMP = 100;

/** True when the hash of these rows would be another one. */
export function gridTellsApart(claimed: Float32Array, audited: Float32Array): boolean {
  return claimed.some((value, i) => !Object.is(gridValue(value), gridValue(audited[i] ?? NaN)));
}

function gridValue(value: number): number {
  const half = Math.f16round(value);
  if (Number.isNaN(half)) return 0;
  const scaled = half * STEPS;
  // Ties go to the even multiple, as in numpy, where the rule comes from.
  let rounded = Math.round(scaled);
  if (Math.abs(scaled - Math.trunc(scaled)) === 0.5 && rounded % 2 !== 0) rounded -= 1;
  return Math.min(CLAMP, Math.max(-CLAMP, rounded / STEPS));
}
