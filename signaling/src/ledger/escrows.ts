import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { escrowOf } from './accounts-of.ts';
import { outcomeKey } from './job-money.ts';
import { bookFailed, bookUnpaid } from './outcomes.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Books } from './books.ts';

/** Issues the budget that a contract holds (SPEC N5). The same again books nothing; another amount for the same escrow throws `duplicate`. */
export async function bookBudget(books: Books, escrow: string, budget: bigint): Promise<void> {
  if (budget <= 0n) throw new RangeError(`a budget of ${budget} base units for escrow ${escrow}; it must be positive`);
  const account = escrowOf(escrow);
  const entry = await books.book(`escrow:${escrow}`, () => ({ kind: 'escrow', job: null, lines: [{ account: 'issued', amount: -budget }, { account, amount: budget }] }));
  const booked = entry.lines.find((line) => line.account === account)?.amount;
  if (booked !== budget) throw new LedgerError('duplicate', `escrow ${escrow} is booked with ${booked} base units, not with ${budget}`, { fault: 'bug', fields: { escrow } });
}

/** What is left of a settled escrow is not the ledger's any more (SPEC N5). Throws `unbalanced` when something else is left. */
export async function bookReturned(books: Books, escrow: string, left: bigint): Promise<void> {
  await books.book(`returned:${escrow}`, async () => {
    const balance = await books.balance(escrowOf(escrow));
    if (balance !== left) throw new LedgerError('unbalanced', `the contract has sent ${left} base units of escrow ${escrow} back to its client, and the ledger has ${balance} left of it`, { fault: 'platform', fields: { escrow, left: String(left), balance: String(balance) } });
    return returned(escrow, balance);
  });
}

/** Nothing of an escrow was paid: credits of its jobs are void, the fee comes back, and all of it leaves the ledger (SPEC N7). Gives what did. */
export async function bookEscrowRefunded(books: Books, escrow: string, jobs: readonly JobId[]): Promise<bigint> {
  for (const job of jobs) {
    const money = await books.money(job);
    if (!money.charged) continue;
    for (const worker of money.credited.keys()) {
      if ((await books.entryByKey(outcomeKey(job, worker))) === undefined) await bookUnpaid(books, job, worker);
    }
    await bookFailed(books, job, []);
  }
  const entry = await books.book(`returned:${escrow}`, async () => returned(escrow, await books.balance(escrowOf(escrow))));
  return entry.lines.find(({ account }) => account === 'issued')?.amount ?? 0n;
}

const returned = (escrow: string, amount: bigint) => ({ kind: 'returned' as const, job: null, lines: [{ account: escrowOf(escrow), amount: -amount }, { account: 'issued' as const, amount }] });
