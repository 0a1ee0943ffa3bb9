import * as v from 'valibot';

/** A field element: 0x and lower-case hex without leading zeros, so that equal values have one text. */
export type Felt = `0x${string}`;

/** The prime of Starknet's field, 2^251 + 17 · 2^192 + 1. */
export const FIELD_PRIME = 2n ** 251n + 17n * 2n ** 192n + 1n;

export const toFelt = (value: bigint | number): Felt => `0x${value.toString(16)}`;

const HEX = /^0x[0-9a-fA-F]{1,64}$/;
/** Reads 0x hex of any case and padding, as wallets send it; anything else, and what is not below the prime, is refused. */
export const FeltSchema = v.pipe(
  v.string(),
  v.regex(HEX, 'expected a felt as 0x hex'),
  // The check runs after a failed pattern, too, and a number cannot be made of every text.
  v.check((text) => !HEX.test(text) || BigInt(text) < FIELD_PRIME, 'expected a felt below the field prime'),
  v.transform((text): Felt => toFelt(BigInt(text))),
);

/** Whole seconds, sent as a number, as decimal or as 0x hex text. */
export const SecondsSchema = v.pipe(
  v.union([v.pipe(v.number(), v.safeInteger(), v.minValue(0)), v.pipe(v.string(), v.regex(/^(0x[0-9a-fA-F]{1,12}|[0-9]{1,15})$/), v.transform(Number))]),
  v.safeInteger(),
);
