import * as v from 'valibot';
import { BASE_UNITS_PER_CREDIT, CREDIT_DECIMALS } from '@ciro/core/units.ts';
import { AccountError } from './account-error.ts';
import { SCOPES } from './account-store.ts';
import type { KeyBudget, Scope } from './account-store.ts';

/** What a new key is to be. */
export interface KeyWish {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly budget: KeyBudget;
  /** Epoch milliseconds; null for never. */
  readonly expiresAt: number | null;
}

const MAX_NAME = 64;
/** Credits with at most 18 decimals, below a thousand million: what no balance here reaches. */
const Credits = v.pipe(
  v.string('give credits as a decimal string, e.g. "12.5"'),
  v.regex(/^(?=.*[1-9])\d{1,9}(\.\d{1,18})?$/, 'give credits above 0 as a decimal string of at most 9 digits and 18 decimals, e.g. "12.5"; leave it out for no bound'),
  v.transform((text) => {
    const [whole = '0', part = ''] = text.split('.');
    return BigInt(whole) * BASE_UNITS_PER_CREDIT + BigInt(part.padEnd(CREDIT_DECIMALS, '0'));
  }),
);
const optionalCredits = v.optional(v.nullable(Credits), null);
/** Body of `POST /v1/keys`. */
export const KeyBody = v.strictObject({
  name: v.pipe(v.string(), v.regex(/\S/, `give a name of 1 to ${MAX_NAME} characters`), v.maxLength(MAX_NAME, `give a name of 1 to ${MAX_NAME} characters`)),
  scopes: v.optional(v.pipe(v.array(v.picklist(SCOPES, `a scope is one of ${SCOPES.join(', ')}`)), v.minLength(1, 'give at least one scope'), v.maxLength(SCOPES.length)), ['ask', 'read']),
  budget: v.optional(v.strictObject({ total: optionalCredits, daily: optionalCredits }), { total: null, daily: null }),
  expires_at: v.optional(v.nullable(v.pipe(v.string(), v.isoTimestamp('give a time as ISO 8601, e.g. "2027-01-31T00:00:00Z"'), v.transform(Date.parse))), null),
});

/** Reads the body of `POST /v1/keys`; throws `bad-key` with `param`. `now`: epoch milliseconds. */
export function parseKeyWish(body: unknown, now: number): KeyWish {
  const parsed = v.safeParse(KeyBody, body);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const param = v.getDotPath(issue) ?? '';
    const message = issue.type === 'strict_object' && param !== '' ? `${param} is no field of a key; there are name, scopes, budget.total, budget.daily, expires_at` : param === '' ? 'the body is no object with a name; send {"name":"…"}' : `${param}: ${issue.message}`;
    throw new AccountError('bad-key', message, { fault: 'user', fields: { param: param === '' ? null : param } });
  }
  const { name, scopes, budget, expires_at: expiresAt } = parsed.output;
  if (expiresAt !== null && expiresAt <= now) throw new AccountError('bad-key', 'expires_at is over already; give a later time', { fault: 'user', fields: { param: 'expires_at' } });
  return { name: name.trim(), scopes: [...new Set(scopes)], budget, expiresAt };
}
