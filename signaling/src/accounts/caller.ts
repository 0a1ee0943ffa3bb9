import { AccountError } from './account-error.ts';
import type { KeyBudget, Scope } from './account-store.ts';

/** Who a request comes from: an account, by one of its keys (SPEC J1). */
export interface Caller {
  readonly account: string;
  readonly key: CallerKey;
}

/** The key that was shown. */
export interface CallerKey {
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly budget: KeyBudget;
  /** Epoch milliseconds; null for never. */
  readonly expiresAt: number | null;
}

/** Throws `insufficient-scope` when the caller's key may not do this. */
export function requireScope({ key: { scopes } }: Caller, scope: Scope): void {
  if (scopes.includes(scope)) return;
  throw new AccountError('insufficient-scope', `this key may ${scopes.join(', ')}, and this needs ${scope}; use a key of the account that has the scope ${scope}`, { fault: 'user', fields: { scope } });
}
