import { openPglite } from './open-pglite.ts';
import { openPostgres } from './open-postgres.ts';
import { migrate } from './migrate.ts';
import { refuseOldLedger } from './refuse-old-ledger.ts';
import { SqlAccountStore } from './sql-account-store.ts';
import { SqlAuditStore } from './sql-audit-store.ts';
import { SqlDisputeStore } from './sql-dispute-store.ts';
import { SqlEscrowStore } from './sql-escrow-store.ts';
import { SqlInstances } from './sql-instances.ts';
import { SqlJobArchive } from './sql-job-archive.ts';
import { SqlKeptAnswers } from './sql-kept-answers.ts';
import { SqlLedgerStore } from './sql-ledger-store.ts';
import { SqlNodeRecords } from './sql-node-records.ts';
import { SqlPayoutLinks } from './sql-payout-links.ts';
import { SqlPerformanceStore } from './sql-performance-store.ts';
import { SqlSettlementStore } from './sql-settlement-store.ts';
import { SqlStandings } from './sql-standings.ts';
import { SqlSubmissions } from './sql-submissions.ts';
import type { Seat } from '../cluster/instance.ts';
import type { OpenedDatabase } from './open-pglite.ts';

/** Every port that is kept in the database. */
export interface Store {
  readonly ledger: SqlLedgerStore;
  readonly accounts: SqlAccountStore;
  readonly jobs: SqlJobArchive;
  readonly kept: SqlKeptAnswers;
  readonly nodes: SqlNodeRecords;
  readonly standings: SqlStandings;
  readonly audits: SqlAuditStore;
  readonly settlement: SqlSettlementStore;
  readonly performance: SqlPerformanceStore;
  readonly payoutLinks: SqlPayoutLinks;
  readonly disputes: SqlDisputeStore;
  readonly escrows: SqlEscrowStore;
  readonly submissions: SqlSubmissions;
  readonly instances: SqlInstances;
  /** Of PostgreSQL: this process's seat among others. */
  readonly seat?: Seat;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Folder of the embedded database; not touched when `databaseUrl` is given. */
  readonly dataDir: string;
  /** PostgreSQL instead of the embedded database, e.g. `postgres://ciro:…@db/ciro`. */
  readonly databaseUrl?: string;
  /** One of several coordinators over the PostgreSQL database (SPEC Z). */
  readonly isInstance?: boolean;
  readonly onError: (error: Error) => void;
}

/** Opens the database, brings its tables to this version and gives the ports; throws StoreError. */
export async function openStore({ dataDir, databaseUrl, isInstance, onError }: StoreOptions): Promise<Store> {
  return storeOf(databaseUrl === undefined ? await openPglite(dataDir, { onError }) : await openPostgres(databaseUrl, { onError, ...(isInstance && { as: 'instance' }) }));
}

/** The ports over an opened database. */
export async function storeOf(opened: OpenedDatabase): Promise<Store> {
  const { db } = opened;
  try {
    await refuseOldLedger(db);
    await migrate(db);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return {
    ledger: new SqlLedgerStore(db),
    accounts: new SqlAccountStore(db),
    jobs: new SqlJobArchive(db),
    kept: new SqlKeptAnswers(db),
    nodes: new SqlNodeRecords(db),
    standings: new SqlStandings(db),
    audits: new SqlAuditStore(db),
    settlement: new SqlSettlementStore(db),
    performance: new SqlPerformanceStore(db),
    payoutLinks: new SqlPayoutLinks(db),
    disputes: new SqlDisputeStore(db),
    escrows: new SqlEscrowStore(db),
    submissions: new SqlSubmissions(db),
    instances: new SqlInstances(db),
    ...(opened.seat && { seat: opened.seat }),
    close: () => opened.close(),
  };
}
