import { GENESIS_HASH, LedgerError, sealEntry } from '@ciro/core/ledger/entry.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { LedgerEnd, LedgerStore } from './ledger-store.ts';

/** Entries read at a time: 1,000 entries are about 1 MB, so a check of any length stays small. */
const PAGE_ENTRIES = 1_000;

/**
 * Walks the whole chain (SPEC M4) and compares the balances it leads to with those the store keeps. Returns the end of the chain.
 * Throws `broken-chain` at the first entry that does not follow, or naming the first account that differs.
 */
export async function verifyChain(store: LedgerStore, options: { signal?: AbortSignal } = {}): Promise<LedgerEnd> {
  const balances = new Map<AccountName, bigint>();
  let end: LedgerEnd = { sequence: 0, hash: GENESIS_HASH };
  for (;;) {
    options.signal?.throwIfAborted();
    const page = await store.entriesFrom(end.sequence, PAGE_ENTRIES);
    for (const entry of page) {
      const expected = sealEntry(entry, end.sequence, end.hash);
      if (entry.sequence !== end.sequence || entry.previous !== end.hash || entry.hash !== expected.hash) {
        throw broken(`entry ${entry.sequence} (${entry.key}) does not follow from the ${end.sequence} entries before it`, { sequence: end.sequence });
      }
      for (const { account, amount } of entry.lines) balances.set(account, (balances.get(account) ?? 0n) + amount);
      end = { sequence: end.sequence + 1, hash: entry.hash };
    }
    if (page.length < PAGE_ENTRIES) break;
  }
  const kept = await store.allBalances();
  for (const account of new Set([...balances.keys(), ...kept.keys()])) {
    const [booked, stored] = [balances.get(account) ?? 0n, kept.get(account) ?? 0n];
    if (booked !== stored) throw broken(`the entries give ${account} ${booked} base units, the balance kept is ${stored}`, { account });
  }
  return end;
}

function broken(what: string, fields: Record<string, unknown>): LedgerError {
  return new LedgerError('broken-chain', `ledger: ${what}; restore the database from a backup`, { fault: 'platform', fields });
}
