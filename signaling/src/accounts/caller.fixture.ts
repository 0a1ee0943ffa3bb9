import { SCOPES } from './account-store.ts';
import type { Caller } from './caller.ts';

/** A caller whose key may do everything. */
export const callerOf = (account: string): Caller => ({ account, key: { id: `key of ${account}`, scopes: SCOPES, budget: { total: null, daily: null }, expiresAt: null } });
