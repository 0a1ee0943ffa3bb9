import { AMOUNT_MARGIN_PERCENT, PRICE_MARGIN_PERCENT, VALIDATION_L2_GAS } from './chain-limits.ts';
import { feeOf } from './chain-port.ts';
import { refuse } from './relayer-error.ts';
import type { Bounds, Estimate, Resource } from './chain-port.ts';

const more = (value: bigint, percent: number): bigint => (value * BigInt(100 + percent) + 99n) / 100n;
const widen = ({ amount, price }: Resource, extra = 0n): Resource => ({ amount: more(amount + extra, AMOUNT_MARGIN_PERCENT), price: more(price, PRICE_MARGIN_PERCENT) });

/** What a transaction may use, from what its simulation used. */
export const boundsOf = ({ used }: Estimate): Bounds => ({ l1Gas: widen(used.l1Gas), l1DataGas: widen(used.l1DataGas), l2Gas: widen(used.l2Gas, VALIDATION_L2_GAS) });

/** Bounds for `actions` together, and the most they can cost. Throws `gas-spike` when that is over what the policy allows each. */
export function affordable(estimate: Estimate, actions: number, maxFriPerAction: bigint): { readonly bounds: Bounds; readonly maxFri: bigint } {
  const bounds = boundsOf(estimate);
  const maxFri = feeOf(bounds);
  const limit = maxFriPerAction * BigInt(actions);
  if (maxFri <= limit) return { bounds, maxFri };
  throw refuse('gas-spike', `this would cost up to ${maxFri} fri at the prices of the moment, and the policy allows ${limit}; nothing was signed: try again when gas is cheaper`, { maxFri: String(maxFri), limit: String(limit) });
}

/** Divides a fee by weight; what division leaves over goes to the first. The parts sum to `fee` exactly. */
export function shareFee(fee: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  const parts = weights.map((weight) => (total === 0n ? fee / BigInt(weights.length) : (fee * weight) / total));
  const left = fee - parts.reduce((sum, part) => sum + part, 0n);
  return parts.map((part, index) => (index === 0 ? part + left : part));
}
