import { domainHash } from '../canonical-json.ts';
import { CiroError } from '../errors.ts';
import type { JobId } from '../ids.ts';

export class LedgerError extends CiroError<'unbalanced' | 'insufficient' | 'key-budget' | 'broken-chain' | 'unknown-hold' | 'duplicate'> {}

/**
 * Accounts (SPEC M4): `issued` (the counter-account of all credits, the only one that may be negative), `pool` (community pool),
 * `fee`, `requester:ID`, `hold:JOB`, `worker:NODE:pending`, `worker:NODE:payable`, `worker:NODE:withheld` (SPEC M7),
 * `worker:NODE:settled` (paid on chain, SPEC M10; `worker:NODE:settled:ACCOUNT` at a linked account), `worker:NODE:promotional` (earned of given credits, SPEC M11). `:paid` at the end of
 * a fee, a requester or what is withheld: that purse came from deposits. `escrow:JOB`: the budget of a job that a contract holds (SPEC N5).
 */
export type AccountName =
  | 'issued'
  | 'pool'
  | `fee${'' | ':paid'}`
  | `requester:${string}`
  | `escrow:${string}`
  | `hold:${string}`
  | `worker:${string}:${'pending' | 'payable' | 'promotional' | 'withheld' | 'withheld:paid' | 'settled' | `settled:${string}`}`;

/** `release` gives a hold back; `released` what was withheld from a worker; `forfeit` takes that from a convicted one (SPEC M7); `settled` and `correction` belong to payouts (SPEC M10); `deposit` is what a requester paid in, `promotion` what of given credits becomes payable (SPEC M11); `escrow` and `returned` are of budgets that a contract holds (SPEC N5); `restored` undoes a conviction that the court set aside (SPEC Q4). */
export type EntryKind = 'issue' | 'trial' | 'hold' | 'release' | 'charge' | 'payable' | 'void' | 'refund' | 'audit' | 'released' | 'forfeit' | 'settled' | 'correction' | 'deposit' | 'promotion' | 'escrow' | 'returned' | 'restored';

/** One movement; an entry's lines sum to zero. Amounts in base units. */
export interface LedgerLine {
  readonly account: AccountName;
  readonly amount: bigint;
}

/** What is appended. `key` names the cause (for example `hold:JOB`) and is unique: the same cause is never booked twice (SPEC M5). */
export interface EntryDraft {
  readonly kind: EntryKind;
  readonly key: string;
  readonly job: JobId | null;
  readonly at: number;
  readonly lines: readonly LedgerLine[];
}

/** An entry in the chain: hash covers the previous hash, so no entry can change, move or vanish unseen (SPEC M4). */
export interface LedgerEntry extends EntryDraft {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
}

/** What an entry's hash is over: its place and a hash of what it says, so that links can be shown without their content (SPEC B1). */
export interface LinkBody {
  readonly sequence: number;
  readonly previous: string;
  /** From `contentHashOf`. */
  readonly content: string;
}

/** Hash before the first entry. */
export const GENESIS_HASH = '0'.repeat(64);

/** Hash of everything an entry says, amounts as decimal strings (SPEC B1). */
export function contentHashOf({ kind, key, job, at, lines }: EntryDraft): string {
  return domainHash('ciro/ledger-content/1', { kind, key, job, at, lines: lines.map(({ account, amount }) => ({ account, amount: String(amount) })) });
}

/** Hash of an entry, from its link alone (SPEC B1, M4). */
export function linkHashOf({ sequence, previous, content }: LinkBody): string {
  return domainHash('ciro/ledger/2', { sequence, previous, content });
}

/** Chains a draft behind `previous`; throws `unbalanced` when its lines do not sum to zero. */
export function sealEntry(draft: EntryDraft, sequence: number, previous: string): LedgerEntry {
  const sum = draft.lines.reduce((total, line) => total + line.amount, 0n);
  if (sum !== 0n) throw new LedgerError('unbalanced', `entry ${draft.key} sums to ${sum} base units instead of 0`, { fault: 'bug', fields: { key: draft.key, sum: String(sum) } });
  return { ...draft, sequence, previous, hash: linkHashOf({ sequence, previous, content: contentHashOf(draft) }) };
}

/** Balances after all entries; throws `broken-chain` at the first entry whose hash, link or number is wrong. */
export function replay(entries: Iterable<LedgerEntry>): Map<AccountName, bigint> {
  const balances = new Map<AccountName, bigint>();
  let previous = GENESIS_HASH;
  let sequence = 0;
  for (const entry of entries) {
    const expected = sealEntry(entry, sequence, previous);
    if (entry.sequence !== sequence || entry.previous !== previous || entry.hash !== expected.hash) {
      throw new LedgerError('broken-chain', `ledger entry ${entry.sequence} (${entry.key}) does not follow from the ${sequence} entries before it`, { fault: 'platform', fields: { sequence } });
    }
    for (const line of entry.lines) balances.set(line.account, (balances.get(line.account) ?? 0n) + line.amount);
    previous = entry.hash;
    sequence++;
  }
  return balances;
}
