import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { TrialError } from '../ledger/trial-error.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Accounts } from './accounts.ts';

/** Below this the kept key is replaced: a default request over a long prompt holds at most this much. */
const LEAST_CREDITS = 512n;

/** Port: where the operator's own key is kept between starts. */
export interface KeptKey {
  read(): Promise<string | undefined>;
  write(key: string): Promise<void>;
}

/**
 * The key that a start prints: that of the last start while it has credits left, else a new trial. Without this, every start
 * would take another trial from the pool.
 */
export async function operatorKey({ accounts, ledger, kept }: { readonly accounts: Accounts; readonly ledger: Ledger; readonly kept: KeptKey }): Promise<string> {
  const old = (await kept.read())?.trim() ?? '';
  const account = await accounts.accountOf(old);
  if (account !== undefined && (await ledger.balance(account)) >= LEAST_CREDITS * BASE_UNITS_PER_CREDIT) return old;
  try {
    const { key } = await accounts.openTrial();
    await kept.write(`${key}\n`);
    return key;
  } catch (error) {
    // Better a key with little left than a coordinator that does not start because the day's trials are given out.
    if (error instanceof TrialError && account !== undefined) return old;
    throw error;
  }
}
