import { sql } from 'kysely';
import { SettlementServiceError } from '../settlement/service-error.ts';
import type { Kysely, Selectable } from 'kysely';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochCorrection, EpochData } from '@ciro/core/settlement/epoch.ts';
import type { EpochStatus, SettlementBook, SettlementStore, StoredEpoch } from '../settlement/ports.ts';
import type { Schema, SettlementEpochRow } from './schema.ts';

/** Addresses bound in one statement: two parameters each, of the 65,535 that a statement may have. */
const BIND_AT_A_TIME = 10_000;
const STATUS_COLUMNS = ['epoch', 'closed_at', 'summary', 'state', 'transaction', 'block_number', 'block_hash', 'posted_at'] as const;

/** Epochs in SQL. What an epoch says is written once; only where it stands on the chain changes. */
export class SqlSettlementStore implements SettlementStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async book(): Promise<SettlementBook | undefined> {
    const row = await this.#db.selectFrom('settlement_book').selectAll().executeTakeFirst();
    return row === undefined ? undefined : { chainId: row.chain_id, store: row.store, birth: row.birth, settledBefore: row.settled_before };
  }

  openBook({ chainId: chain_id, store, birth, settledBefore }: SettlementBook): Promise<void> {
    return this.#db.transaction().execute(async (tx) => {
      const { numDeletedRows } = await tx.deleteFrom('settlement_book').executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) {
        await tx.deleteFrom('settlement_epochs').execute();
        await tx.deleteFrom('performance_epochs').execute();
      }
      await tx.insertInto('settlement_book').values({ chain_id, store, birth, settled_before: JSON.stringify(settledBefore) }).execute();
    });
  }

  close(epoch: EpochData, at: number): Promise<void> {
    const { entries: _entries, corrections, ...summary } = epoch;
    return this.#db.transaction().execute(async (tx) => {
      const { last } = await tx.selectFrom('settlement_epochs').select(sql<number>`coalesce(max(epoch), 0)::bigint`.as('last')).executeTakeFirstOrThrow();
      if (epoch.epoch !== last + 1) throw new SettlementServiceError('out-of-order', `epoch ${epoch.epoch} cannot follow epoch ${last}`, { fault: 'bug', fields: { epoch: epoch.epoch, last } });
      await tx.insertInto('settlement_epochs').values({ epoch: epoch.epoch, closed_at: at, summary: JSON.stringify(summary), data: JSON.stringify(epoch), state: 'closed' }).execute();
      for (const { name } of corrections) await tx.updateTable('settlement_corrections').set({ epoch: epoch.epoch }).where('name', '=', name).execute();
    });
  }

  async mark(epoch: number, { state, transaction, block, postedAt }: EpochStatus): Promise<void> {
    await this.#db.updateTable('settlement_epochs').set({ state, transaction, block_number: block?.number ?? null, block_hash: block?.hash ?? null, posted_at: postedAt }).where('epoch', '=', epoch).execute();
  }

  async list(limit: number): Promise<StoredEpoch[]> {
    return (await this.#db.selectFrom('settlement_epochs').select(STATUS_COLUMNS).orderBy('epoch', 'desc').limit(limit).execute()).map(storedEpoch);
  }

  async find(epoch: number): Promise<StoredEpoch | undefined> {
    const row = await this.#db.selectFrom('settlement_epochs').select(STATUS_COLUMNS).where('epoch', '=', epoch).executeTakeFirst();
    return row === undefined ? undefined : storedEpoch(row);
  }

  async data(epoch: number): Promise<EpochData | undefined> {
    return (await this.#db.selectFrom('settlement_epochs').select('data').where('epoch', '=', epoch).executeTakeFirst())?.data;
  }

  async payouts(nodes: readonly NodeId[]): Promise<Map<NodeId, string>> {
    // As one parameter: a statement has fewer than 100,000 of them.
    const wanted = JSON.stringify(nodes);
    const rows = await this.#db.selectFrom('settlement_payouts').selectAll().where('node_id', 'in', sql<NodeId>`(select json_array_elements_text(${wanted}::json))`).execute();
    return new Map(rows.map(({ node_id, account }) => [node_id, account]));
  }

  bindPayouts(bound: ReadonlyMap<NodeId, string>): Promise<void> {
    const rows = Array.from(bound, ([node_id, account]) => ({ node_id, account }));
    return this.#db.transaction().execute(async (tx) => {
      for (let from = 0; from < rows.length; from += BIND_AT_A_TIME) {
        await tx.insertInto('settlement_payouts').values(rows.slice(from, from + BIND_AT_A_TIME)).onConflict((conflict) => conflict.column('node_id').doNothing()).execute();
      }
    });
  }

  async addCorrection({ name, account, by }: EpochCorrection): Promise<void> {
    await this.#db.insertInto('settlement_corrections').values({ name, account, amount: by, epoch: null }).onConflict((conflict) => conflict.column('name').doNothing()).execute();
  }

  async waitingCorrections(): Promise<EpochCorrection[]> {
    const rows = await this.#db.selectFrom('settlement_corrections').select(['name', 'account', 'amount']).where('epoch', 'is', null).orderBy('name').execute();
    return rows.map(({ name, account, amount }) => ({ account, by: String(amount), name }));
  }
}

function storedEpoch(row: Omit<Selectable<SettlementEpochRow>, 'data'>): StoredEpoch {
  const { block_number: number, block_hash: hash } = row;
  return { summary: row.summary, closedAt: row.closed_at, state: row.state, transaction: row.transaction, block: number === null || hash === null ? null : { number, hash }, postedAt: row.posted_at };
}
