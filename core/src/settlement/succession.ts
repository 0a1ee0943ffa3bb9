import { SettlementError } from './settlement-error.ts';
import type { EpochCorrection, EpochData } from './epoch.ts';

/** An account that earned less than the epoch before says, beyond its corrections. Amounts in base units. */
export interface Fall {
  readonly account: string;
  readonly before: bigint;
  readonly now: bigint;
  readonly corrected: bigint;
}

/** The first account of `before` whose cumulative amount fell by more than the corrections of `now` take from it (SPEC X5). */
export function findFall(before: Pick<EpochData, 'entries'>, now: Pick<EpochData, 'entries' | 'corrections'>): Fall | undefined {
  const amounts = new Map(now.entries.map(({ account, cumulative }) => [account, BigInt(cumulative)]));
  const corrected = correctedBy(now.corrections);
  for (const { account, cumulative } of before.entries) {
    const fall = { account, before: BigInt(cumulative), now: amounts.get(account) ?? 0n, corrected: corrected.get(account) ?? 0n };
    if (fall.now + fall.corrected < fall.before) return fall;
  }
  return undefined;
}

/** Throws `fell` naming the account when `now` cannot follow `before` (SPEC X5). */
export function assertSucceeds(before: Pick<EpochData, 'entries' | 'epoch'>, now: Pick<EpochData, 'entries' | 'corrections' | 'epoch'>): void {
  const fall = findFall(before, now);
  if (fall === undefined) return;
  const { account } = fall;
  throw new SettlementError('fell', `account ${account} has ${fall.now} base units in epoch ${now.epoch} and had ${fall.before} in epoch ${before.epoch}; corrections explain ${fall.corrected} of them`, { fault: 'bug', fields: { account } });
}

function correctedBy(corrections: readonly EpochCorrection[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { account, by } of corrections) sums.set(account, (sums.get(account) ?? 0n) + BigInt(by));
  return sums;
}
