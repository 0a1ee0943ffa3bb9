import { sql } from 'kysely';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Kysely, Selectable } from 'kysely';
import type { NodeRecords, NodeUpdate, StoredNode } from '../sessions/node-records.ts';
import type { Schema } from './schema.ts';

/** Node records in SQL: sums are added in the database, so that several coordinators may write. */
export class SqlNodeRecords implements NodeRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async add(updates: readonly NodeUpdate[]): Promise<void> {
    if (updates.length === 0) return;
    await this.#db
      .insertInto('nodes')
      .values(updates.map((update) => ({
        node_id: update.nodeId,
        public_key: update.publicKey,
        first_seen: update.at - update.connectedMs,
        last_seen: update.at,
        connected_ms: update.connectedMs,
        latency_total_ms: update.latencyTotalMs,
        latency_samples: update.latencySamples,
        compute_contributed: update.computeContributed,
        jobs_served: update.jobsServed,
        jobs_failed: update.jobsFailed,
      })))
      .onConflict((conflict) =>
        conflict.column('node_id').doUpdateSet({
          public_key: sql<string>`excluded.public_key`,
          first_seen: sql<number>`least(nodes.first_seen, excluded.last_seen)`,
          last_seen: sql<number>`greatest(nodes.last_seen, excluded.last_seen)`,
          connected_ms: sql<number>`nodes.connected_ms + excluded.connected_ms`,
          latency_total_ms: sql<number>`nodes.latency_total_ms + excluded.latency_total_ms`,
          latency_samples: sql<number>`nodes.latency_samples + excluded.latency_samples`,
          compute_contributed: sql<number>`nodes.compute_contributed + excluded.compute_contributed`,
          jobs_served: sql<number>`nodes.jobs_served + excluded.jobs_served`,
          jobs_failed: sql<number>`nodes.jobs_failed + excluded.jobs_failed`,
        }),
      )
      .execute();
  }

  async list(limit: number): Promise<StoredNode[]> {
    const rows = await this.#db.selectFrom('nodes').selectAll().orderBy('last_seen', 'desc').orderBy('node_id').limit(limit).execute();
    return rows.map(nodeOf);
  }

  async find(nodeId: NodeId): Promise<StoredNode | undefined> {
    const row = await this.#db.selectFrom('nodes').selectAll().where('node_id', '=', nodeId).executeTakeFirst();
    return row === undefined ? undefined : nodeOf(row);
  }

  /** Identity keys of these nodes, as far as they are on record. */
  async identityKeys(nodes: readonly string[]): Promise<Map<string, string>> {
    if (nodes.length === 0) return new Map();
    const rows = await this.#db.selectFrom('nodes').select(['node_id', 'public_key']).where(sql<string>`node_id`, 'in', nodes).execute();
    return new Map(rows.map(({ node_id: node, public_key: key }) => [node, key]));
  }
}

const nodeOf = (row: Selectable<Schema['nodes']>): StoredNode => ({
  nodeId: row.node_id,
  publicKey: row.public_key,
  firstSeen: row.first_seen,
  lastSeen: row.last_seen,
  connectedMs: row.connected_ms,
  latencyTotalMs: row.latency_total_ms,
  latencySamples: row.latency_samples,
  computeContributed: row.compute_contributed,
  jobsServed: row.jobs_served,
  jobsFailed: row.jobs_failed,
});
