import { BASE_UNITS_PER_CREDIT, CREDIT_DECIMALS } from '@ciro/core/units.ts';

const AMOUNT = new RegExp(`^([0-9]{1,20})(?:\\.([0-9]{1,${CREDIT_DECIMALS}}))?$`);

/** Base units of an amount of tokens with 18 decimals as a person writes it, e.g. `12.5`; undefined when it is none. */
export function parseTokens(text: string): bigint | undefined {
  const found = AMOUNT.exec(text);
  return found === null ? undefined : BigInt(found[1] ?? '0') * BASE_UNITS_PER_CREDIT + BigInt((found[2] ?? '').padEnd(CREDIT_DECIMALS, '0'));
}
