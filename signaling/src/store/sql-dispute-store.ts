import { sql } from 'kysely';
import { isAcquittal } from '../disputes/dispute-store.ts';
import type { Kysely, Selectable } from 'kysely';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Ruling } from '../disputes/court-port.ts';
import type { Conviction, Dispute, DisputeStatus, DisputeStore } from '../disputes/dispute-store.ts';
import type { Schema } from './schema.ts';

/** A ruling as JSON holds it. */
export type StoredRuling = Omit<Ruling, 'slashed'> & { readonly slashed: string };

/** All but the case file, which has megabytes. */
const COLUMNS = ['job', 'stage', 'worker', 'noted_at', 'hash', 'accused', 'ref', 'evidence', 'state', 'note', 'from_block', 'transaction', 'case_id', 'ruling'] as const;
type Row = Pick<Selectable<Schema['disputes']>, (typeof COLUMNS)[number]>;

/** Disputes in SQL. What a case file says is written once; only where its dispute stands changes. */
export class SqlDisputeStore implements DisputeStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async unnoted(limit: number): Promise<Conviction[]> {
    const rows = await this.#db
      .selectFrom('audit_transcripts as t')
      .leftJoin('disputes as d', (join) => join.onRef('d.job', '=', 't.job').onRef('d.stage', '=', 't.stage'))
      .select(['t.job', 't.stage', sql<NodeId>`t.transcript->>'worker'`.as('worker')])
      .where(sql`t.transcript->>'outcome'`, '=', sql.lit('failed'))
      .where('d.number', 'is', null)
      .orderBy('t.number')
      .limit(limit)
      .execute();
    return rows.map(({ job, stage, worker }) => ({ job, stage, worker }));
  }

  async note({ job, stage, worker, notedAt, hash, accused, ref, evidence, ...status }: Dispute, text: string | null): Promise<void> {
    await this.#db
      .insertInto('disputes')
      .values({ job, stage, worker, noted_at: notedAt, hash, accused, ref, evidence, case_file: text, ...columnsOf(status) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async mark({ job, stage }: Pick<Conviction, 'job' | 'stage'>, status: DisputeStatus): Promise<void> {
    await this.#db.updateTable('disputes').set({ ...columnsOf(status), ...(status.state === 'unopened' ? { case_file: null } : {}) }).where(sql<string>`job`, '=', job).where('stage', '=', stage).execute();
  }

  async active(): Promise<Dispute[]> {
    return (await this.#db.selectFrom('disputes').select(COLUMNS).where('state', 'in', ['noted', 'opened', 'ruled']).orderBy('number').execute()).map(disputeOf);
  }

  async list(limit: number): Promise<Dispute[]> {
    return (await this.#db.selectFrom('disputes').select(COLUMNS).orderBy('number', 'desc').limit(limit).execute()).map(disputeOf);
  }

  async find(name: string): Promise<Dispute | undefined> {
    const row = await this.#db.selectFrom('disputes').select(COLUMNS).where((where) => where.or([where(sql<string>`hash`, '=', name), where('evidence', '=', name)])).executeTakeFirst();
    return row === undefined ? undefined : disputeOf(row);
  }

  async text(hash: HexHash): Promise<string | undefined> {
    return (await this.#db.selectFrom('disputes').select('case_file').where('hash', '=', hash).executeTakeFirst())?.case_file ?? undefined;
  }

  async otherConvictions({ job, stage, worker }: Conviction): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::bigint as count from audit_transcripts t
      where t.transcript->>'outcome' = 'failed' and t.transcript->>'worker' = ${worker}
        and not (t.job = ${job} and t.stage = ${stage})
        and not exists (select 1 from disputes d where d.job = t.job and d.stage = t.stage and d.acquitted)`.execute(this.#db);
    return Number(rows[0]?.count ?? 0);
  }
}

function columnsOf({ state, note, fromBlock, transaction, caseId, ruling }: DisputeStatus) {
  const stored: StoredRuling | null = ruling === null ? null : { ...ruling, slashed: String(ruling.slashed) };
  return { state, note, from_block: fromBlock, transaction, case_id: caseId, ruling: stored === null ? null : JSON.stringify(stored), acquitted: isAcquittal(ruling) };
}

function disputeOf({ job, stage, worker, noted_at: notedAt, hash, accused, ref, evidence, state, note, from_block: fromBlock, transaction, case_id: caseId, ruling }: Row): Dispute {
  return { job, stage, worker, notedAt, hash, accused, ref, evidence, state, note, fromBlock, transaction, caseId, ruling: ruling === null ? null : { ...ruling, slashed: BigInt(ruling.slashed) } };
}
