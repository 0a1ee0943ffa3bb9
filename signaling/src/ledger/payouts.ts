import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { payableOf, settledOf } from './accounts-of.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { LedgerPoint } from '@ciro/core/ledger/head.ts';
import type { Books } from './books.ts';

/** What a worker ever had made payable, in base units of credits: the part that was paid on chain, and the part that was not (SPEC M10). */
export interface Earned {
  readonly payable: bigint;
  readonly settled: bigint;
  /** Of what is settled, the parts that were paid at linked accounts (SPEC Y9); absent where there are none. */
  readonly linked?: ReadonlyMap<string, bigint>;
}

/** What every worker has earned, and the last entry that counts in it; undefined while the ledger is empty (SPEC X7). */
export interface Statement {
  readonly earned: ReadonlyMap<NodeId, Earned>;
  readonly head: LedgerPoint | undefined;
}

/** One reading of the contract: what it has paid a worker at an account in all, in base units of its token, and what that is in credits. */
export interface PaidOnChain {
  readonly account: string;
  readonly paid: bigint;
  readonly credits: bigint;
  /** The account is not the worker's own. */
  readonly linked?: boolean;
}

const EARNED = /^worker:([^:]+):(payable|settled)(?::(0x[0-9a-f]+))?$/;

/**
 * What was paid on chain goes from payable to settled; gives how much of it is new (SPEC M10). The same reading again books nothing.
 * Throws `insufficient` when less is payable than was paid, and `duplicate` when the ledger has settled more than the chain has paid.
 */
export async function bookSettled(books: Books, worker: string, { account, paid, credits, linked = false }: PaidOnChain): Promise<bigint> {
  const place = settledOf(worker, linked ? account : undefined);
  const [payable, settled] = [await books.balance(payableOf(worker)), await books.balance(place)];
  const amount = credits - settled;
  if (amount === 0n) return 0n;
  const fields = { worker, account, paid: String(paid), settled: String(settled), payable: String(payable) };
  if (amount < 0n) throw new LedgerError('duplicate', `the chain has paid ${account} ${paid} base units, worth ${credits} of credits, and the ledger has settled ${settled}; look for a reorganisation of the chain`, { fault: 'platform', fields });
  if (amount > payable) throw new LedgerError('insufficient', `the chain has paid ${account} ${paid} base units, worth ${credits} of credits, and ${worker} ever had ${settled + payable} made payable`, { fault: 'platform', fields });
  // A linked account may be paid for several workers.
  await books.book(`settled:${account}:${paid}${linked ? `:${worker}` : ''}`, () => ({ kind: 'settled', job: null, lines: [{ account: payableOf(worker), amount: -amount }, { account: place, amount }] }));
  return amount;
}

/** A correction takes `amount` of what is payable back to the pool, once for its name (SPEC M10). Throws `insufficient` or, for a name of another correction, `duplicate`. */
export async function bookCorrection(books: Books, name: string, worker: string, amount: bigint): Promise<void> {
  if (amount <= 0n) throw new RangeError(`a correction of ${amount} base units; it must be positive`);
  const entry = await books.book(`correction:${name}`, async () => {
    const payable = await books.balance(payableOf(worker));
    if (payable < amount) throw new LedgerError('insufficient', `correction ${name} takes ${amount} base units and ${worker} has ${payable} payable; what was paid is never taken back`, { fault: 'user', fields: { balance: String(payable), needed: String(amount) } });
    return { kind: 'correction', job: null, lines: [{ account: payableOf(worker), amount: -amount }, { account: 'pool', amount }] };
  });
  const booked = entry.lines.find(({ account }) => account === payableOf(worker))?.amount;
  if (booked !== -amount) throw new LedgerError('duplicate', `correction ${name} is booked already, for another worker or amount; give this one a name of its own`, { fault: 'user', fields: { name } });
}

/** Of all balances, those of workers that ever had anything made payable. */
export function earnedOf(balances: ReadonlyMap<AccountName, bigint>): Map<NodeId, Earned> {
  const earned = new Map<NodeId, Earned>();
  for (const [account, amount] of balances) {
    const [, worker, part, linkedAt] = EARNED.exec(account) ?? [];
    if (worker === undefined || amount === 0n) continue;
    const before = earned.get(worker as NodeId) ?? { payable: 0n, settled: 0n };
    const { payable, settled, linked } = before;
    if (part === 'payable') earned.set(worker as NodeId, { ...before, payable: payable + amount });
    else if (linkedAt === undefined) earned.set(worker as NodeId, { ...before, settled: settled + amount });
    else earned.set(worker as NodeId, { ...before, settled: settled + amount, linked: new Map([...(linked ?? []), [linkedAt, amount]]) });
  }
  return earned;
}
