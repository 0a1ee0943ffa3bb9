import { GENESIS_HASH, sealEntry } from './entry.ts';
import type { LedgerEntry } from './entry.ts';

/** A ledger of `length` entries, whose amounts come from `salt` from the fourth on. */
export function ledger(length: number, salt = 0): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let at = 0; at < length; at++) {
    const amount = BigInt(at + 1) + BigInt(at > 2 ? salt : 0);
    entries.push(sealEntry({ kind: 'trial', key: `trial:${at}`, job: null, at, lines: [{ account: 'pool', amount: -amount }, { account: `requester:${at}`, amount }] }, at, entries.at(-1)?.hash ?? GENESIS_HASH));
  }
  return entries;
}
