import { sql } from 'kysely';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Kysely, Selectable } from 'kysely';
import { newStanding } from '../standing/standing-store.ts';
import type { StandingChange, StandingStore, StoredStanding } from '../standing/standing-store.ts';
import type { Schema } from './schema.ts';

/** Standings in SQL: counts are added in the database, only the court takes a demotion back, and each of its rulings once. */
export class SqlStandings implements StandingStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async change(node: NodeId, { passed = 0, successfulAudits = 0, failedAudits = 0, suspicion, demotedAt }: StandingChange, at: number): Promise<StoredStanding> {
    const row = await this.#db
      .insertInto('standings')
      .values({ node_id: node, passed, successful_audits: successfulAudits, failed_audits: failedAudits, suspicion: suspicion ?? 0, demoted_at: demotedAt ?? null, first_seen: at })
      .onConflict((conflict) =>
        conflict.column('node_id').doUpdateSet({
          passed: sql<number>`standings.passed + excluded.passed`,
          successful_audits: sql<number>`standings.successful_audits + excluded.successful_audits`,
          failed_audits: sql<number>`standings.failed_audits + excluded.failed_audits`,
          suspicion: suspicion === undefined ? sql<number>`standings.suspicion` : suspicion,
          demoted_at: sql<number>`coalesce(standings.demoted_at, excluded.demoted_at)`,
          first_seen: sql<number>`least(standings.first_seen, excluded.first_seen)`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
    return standingOf(row);
  }

  acquit(node: NodeId, name: string, staysDemoted: boolean, at: number): Promise<StoredStanding> {
    return this.#db.transaction().execute(async (tx) => {
      const { numInsertedOrUpdatedRows: fresh = 0n } = await tx.insertInto('standing_acquittals').values({ name, node_id: node, at }).onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
      if (fresh > 0n) {
        await tx.updateTable('standings').where('node_id', '=', node).set({ failed_audits: sql<number>`greatest(0, failed_audits - 1)`, ...(staysDemoted ? {} : { demoted_at: null }) }).execute();
      }
      const row = await tx.selectFrom('standings').selectAll().where('node_id', '=', node).executeTakeFirst();
      return row === undefined ? newStanding(at) : standingOf(row);
    });
  }

  async list(nodes: readonly NodeId[]): Promise<ReadonlyMap<NodeId, StoredStanding>> {
    if (nodes.length === 0) return new Map();
    const rows = await this.#db.selectFrom('standings').selectAll().where('node_id', 'in', nodes).execute();
    return new Map(rows.map((row) => [row.node_id, standingOf(row)]));
  }

  async demoted(limit: number): Promise<NodeId[]> {
    const rows = await this.#db.selectFrom('standings').select('node_id').where('demoted_at', 'is not', null).orderBy('demoted_at', 'desc').orderBy('node_id').limit(limit).execute();
    return rows.map(({ node_id: node }) => node);
  }
}

const standingOf = (row: Selectable<Schema['standings']>): StoredStanding => ({
  passed: row.passed,
  successfulAudits: row.successful_audits,
  failedAudits: row.failed_audits,
  suspicion: row.suspicion,
  demotedAt: row.demoted_at,
  firstSeen: row.first_seen,
});
