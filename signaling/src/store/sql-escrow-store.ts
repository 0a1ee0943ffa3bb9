import type { Kysely, Selectable } from 'kysely';
import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { Deferred, Escrow, EscrowStore } from '../escrow/ports.ts';
import type { Schema } from './schema.ts';

const FINAL = ['settled', 'refunded'] as const;

/** Escrows in SQL. */
export class SqlEscrowStore implements EscrowStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async add({ id, job, acceptedAt, state, budget, deadline, result, sent }: Escrow): Promise<boolean> {
    const row = { id, job, accepted_at: acceptedAt, state, budget: String(budget), deadline, result_root: result?.root ?? null, used: result === null ? null : String(result.used), sent: JSON.stringify(sent) };
    const { numInsertedOrUpdatedRows: inserted = 0n } = await this.#db.insertInto('escrows').values(row).onConflict((conflict) => conflict.column('id').doNothing()).executeTakeFirst();
    return inserted > 0n;
  }

  async find(id: EscrowId): Promise<Escrow | undefined> {
    const row = await this.#db.selectFrom('escrows').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : escrowOf(row);
  }

  async change(id: EscrowId, { state, budget, result, sent }: Partial<Pick<Escrow, 'state' | 'budget' | 'result' | 'sent'>>): Promise<void> {
    await this.#db
      .updateTable('escrows')
      .set({
        ...(state !== undefined && { state }),
        ...(budget !== undefined && { budget: String(budget) }),
        ...(result !== undefined && { result_root: result?.root ?? null, used: result === null ? null : String(result.used) }),
        ...(sent !== undefined && { sent: JSON.stringify(sent) }),
      })
      .where('id', '=', id)
      .execute();
  }

  async drop(id: EscrowId): Promise<void> {
    await this.#db.deleteFrom('escrows').where('id', '=', id).execute();
  }

  async open(): Promise<Escrow[]> {
    return (await this.#db.selectFrom('escrows').selectAll().where('state', 'not in', FINAL).orderBy('accepted_at').orderBy('id').execute()).map(escrowOf);
  }

  async defer(id: EscrowId, deferred: Deferred): Promise<void> {
    const { kind, job } = deferred;
    const who = kind === 'payable' ? { node_id: deferred.worker, audit: null, amount: String(deferred.withheldBasisPoints) } : { node_id: deferred.auditor, audit: deferred.audit, amount: String(deferred.amount) };
    await this.#db.insertInto('escrow_deferred').values({ cause: causeOf(deferred), escrow: id, kind, job, ...who }).onConflict((conflict) => conflict.column('cause').doNothing()).execute();
  }

  async due(limit: number): Promise<{ readonly escrow: Escrow; readonly deferred: Deferred }[]> {
    const rows = await this.#db.selectFrom('escrow_deferred').selectAll().where('escrow', 'in', this.#db.selectFrom('escrows').select('id').where('state', 'in', FINAL)).orderBy('place').limit(limit).execute();
    if (rows.length === 0) return [];
    const found = await this.#db.selectFrom('escrows').selectAll().where('id', 'in', [...new Set(rows.map(({ escrow }) => escrow))]).execute();
    const escrows = new Map(found.map((row) => [row.id, escrowOf(row)]));
    return rows.flatMap((row) => {
      const escrow = escrows.get(row.escrow);
      return escrow === undefined ? [] : [{ escrow, deferred: deferredOf(row) }];
    });
  }

  async done(_id: EscrowId, deferred: Deferred): Promise<void> {
    await this.#db.deleteFrom('escrow_deferred').where('cause', '=', causeOf(deferred)).execute();
  }
}

const causeOf = (deferred: Deferred): string => (deferred.kind === 'audit' ? `audit:${deferred.audit}` : `payable:${deferred.job}:${deferred.worker}`);

function escrowOf({ id, job, accepted_at, state, budget, deadline, result_root: root, used, sent }: Selectable<Schema['escrows']>): Escrow {
  return { id, job, acceptedAt: accepted_at, state, budget, deadline, result: root === null || used === null ? null : { root, used }, sent };
}

function deferredOf({ kind, job, node_id: node, audit, amount }: Selectable<Schema['escrow_deferred']>): Deferred {
  return kind === 'audit' && audit !== null ? { kind, job, audit, auditor: node, amount } : { kind: 'payable', job, worker: node, withheldBasisPoints: amount };
}
