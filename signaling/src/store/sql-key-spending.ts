import { sql } from 'kysely';
import { spentOf } from '../ledger/key-spending.ts';
import type { Kysely } from 'kysely';
import type { LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { Spender, Spent } from '../ledger/key-spending.ts';
import type { Schema } from './schema.ts';

/** From now on what a job costs its requester is spent by this key. */
export async function assignJob(tx: Kysely<Schema>, job: string, { key, day }: Spender): Promise<void> {
  await tx.insertInto('key_jobs').values({ job, key, day }).execute();
}

export function spenderOf(tx: Kysely<Schema>, job: string): Promise<Spender | undefined> {
  return tx.selectFrom('key_jobs').select(['key', 'day']).where('job', '=', job).executeTakeFirst();
}

export async function spentBy(db: Kysely<Schema>, key: string, day: number): Promise<Spent> {
  const row = await db
    .selectFrom('key_spending')
    .select([sql<bigint>`coalesce(sum(amount), 0)::numeric(78, 0)`.as('total'), sql<bigint>`coalesce(sum(amount) filter (where day = ${day}), 0)::numeric(78, 0)`.as('day')])
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  return row;
}

/** Counts what an entry takes from the requester of its job, or gives back, for the key that asked. */
export async function countSpent(tx: Kysely<Schema>, entry: LedgerEntry): Promise<void> {
  const spent = spentOf(entry);
  if (entry.job === null || spent === 0n) return;
  const spender = await spenderOf(tx, entry.job);
  if (spender === undefined) return;
  const amount = String(spent);
  await tx
    .insertInto('key_spending')
    .values({ ...spender, amount })
    .onConflict((conflict) => conflict.columns(['key', 'day']).doUpdateSet({ amount: sql<string>`key_spending.amount + ${amount}::numeric` }))
    .execute();
}
