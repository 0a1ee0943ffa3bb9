import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { formatCredits } from '@ciro/core/units.ts';
import type { LedgerEntry } from '@ciro/core/ledger/entry.ts';

/** The key by which a job was asked, and the first millisecond of the UTC day in which it was. */
export interface Spender {
  readonly key: string;
  readonly day: number;
}

/** Base units that a key has spent; what is held counts. */
export interface Spent {
  readonly total: bigint;
  /** Of questions that were asked on one day. */
  readonly day: bigint;
}

/** A key that is to pay within its budget. Null: only the account's balance bounds it. */
export interface Spending {
  readonly key: string;
  readonly total: bigint | null;
  readonly daily: bigint | null;
}

/** Base units that an entry takes from its requester's credits; below zero when it gives some back. What a contract pays is no credit. */
export const spentOf = ({ lines }: Pick<LedgerEntry, 'lines'>): bigint => -lines.reduce((sum, { account, amount }) => (account.startsWith('requester:') ? sum + amount : sum), 0n);

/** Throws `key-budget` when a key that has spent so much may not spend `amount` more (SPEC J3). */
export function checkBudget({ total, daily }: Spending, spent: Spent, amount: bigint): void {
  const over = (budget: bigint | null, used: bigint): boolean => budget !== null && used + amount > budget;
  const refuse = (budget: bigint, used: bigint, when: string): LedgerError =>
    new LedgerError('key-budget', `this request may cost up to ${formatCredits(amount)} credits, and this key has spent or set aside ${formatCredits(used)} of the ${formatCredits(budget)} that it may spend ${when}; lower max_tokens, or use another key`, { fault: 'user', fields: { budget: String(budget), spent: String(used), needed: String(amount) } });
  if (over(total, spent.total)) throw refuse(total ?? 0n, spent.total, 'in all');
  if (over(daily, spent.day)) throw refuse(daily ?? 0n, spent.day, 'on a day (UTC)');
}
