import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { NodeId } from '@ciro/core/ids.ts';
import type { ChangeRecord, PayoutLink, PayoutLinkStore } from '../settlement/link-ports.ts';
import type { PayoutChangeRow, Schema } from './schema.ts';

/** Changes of payout accounts in SQL. */
export class SqlPayoutLinks implements PayoutLinkStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async links(): Promise<Map<NodeId, PayoutLink>> {
    const rows = await this.#db.selectFrom('payout_links').selectAll().execute();
    return new Map(rows.map(({ node_id, account, since, kept }) => [node_id, { account, since, kept: new Map(Object.entries(kept).map(([of, amount]) => [of, BigInt(amount)])) }]));
  }

  async newest(worker: NodeId): Promise<ChangeRecord | undefined> {
    const row = await this.#db.selectFrom('payout_changes').selectAll().where('node_id', '=', worker).orderBy('nonce', 'desc').executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  ask(worker: NodeId, { change, identitySignature, walletSignature, askedAt, from, state }: ChangeRecord): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const { last } = await tx.selectFrom('payout_changes').select(sql<number>`coalesce(max(nonce), 0)::bigint`.as('last')).where('node_id', '=', worker).executeTakeFirstOrThrow();
      if (change.nonce !== last + 1) return false;
      await tx.updateTable('payout_changes').set({ state: 'dropped' }).where('node_id', '=', worker).where('state', '=', 'waiting').execute();
      const row = { node_id: worker, nonce: change.nonce, change: JSON.stringify(change), identity_signature: identitySignature, wallet_signature: walletSignature === null ? null : JSON.stringify(walletSignature), asked_at: Math.floor(askedAt), from_at: Math.floor(from), state };
      // Another one may have come in between: its number is taken.
      const { numInsertedOrUpdatedRows: kept = 0n } = await tx.insertInto('payout_changes').values(row).onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
      return kept > 0n;
    });
  }

  async due(now: number): Promise<Map<NodeId, ChangeRecord>> {
    const rows = await this.#db.selectFrom('payout_changes').selectAll().where('state', '=', 'waiting').where('from_at', '<=', Math.floor(now)).orderBy('node_id').execute();
    return new Map(rows.map((row) => [row.node_id, recordOf(row)]));
  }

  apply(worker: NodeId, nonce: number, { account, since, kept }: PayoutLink): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx.updateTable('payout_changes').set({ state: 'applied' }).where('node_id', '=', worker).where('nonce', '=', nonce).where('state', '=', 'waiting').executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await tx.deleteFrom('payout_links').where('node_id', '=', worker).execute();
      await tx.insertInto('payout_links').values({ node_id: worker, account, since: Math.floor(since), kept: JSON.stringify(Object.fromEntries(Array.from(kept, ([of, amount]) => [of, String(amount)]))) }).execute();
      return true;
    });
  }
}

function recordOf({ change, identity_signature, wallet_signature, asked_at, from_at, state }: Selectable<PayoutChangeRow>): ChangeRecord {
  return { change, identitySignature: identity_signature, walletSignature: wallet_signature, askedAt: asked_at, from: from_at, state };
}
