import { Migrator } from 'kysely/migration';
import { firstTables } from './migrations/0001-first-tables.ts';
import { audits } from './migrations/0002-audits.ts';
import { continuations } from './migrations/0003-continuations.ts';
import { keptAnswers } from './migrations/0004-kept-answers.ts';
import { settlement } from './migrations/0005-settlement.ts';
import { promotions } from './migrations/0006-promotions.ts';
import { settlementBook } from './migrations/0007-settlement-book.ts';
import { disputes } from './migrations/0008-disputes.ts';
import { escrows } from './migrations/0009-escrows.ts';
import { payoutLinks } from './migrations/0010-payout-links.ts';
import { performance } from './migrations/0011-performance.ts';
import { submissions } from './migrations/0012-submissions.ts';
import { apiKeys } from './migrations/0013-api-keys.ts';
import { statements } from './migrations/0014-statements.ts';
import { instances } from './migrations/0016-instances.ts';
import { StoreError } from './store-error.ts';
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Every migration by its number; one that was released is never edited, the next change is a new one. */
const MIGRATIONS = { '0001-first-tables': firstTables, '0002-audits': audits, '0003-continuations': continuations, '0004-kept-answers': keptAnswers, '0005-settlement': settlement, '0006-promotions': promotions, '0007-settlement-book': settlementBook, '0008-disputes': disputes, '0009-escrows': escrows, '0010-payout-links': payoutLinks, '0011-performance': performance, '0012-submissions': submissions, '0013-api-keys': apiKeys, '0014-statements': statements, '0016-instances': instances };

/** Names of all migrations of this version, in order. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS).sort();

/** Brings the database to the newest schema, or to that of the migration `upTo`, all or nothing; does nothing when it is there. */
export async function migrate(db: Kysely<Schema>, upTo?: string): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS }, migrationTableName: 'migrations', migrationLockTableName: 'migrations_lock' });
  const { error } = upTo === undefined ? await migrator.migrateToLatest() : await migrator.migrateTo(upTo);
  if (error !== undefined) {
    throw new StoreError('unavailable', 'the database could not be brought to this version\'s tables; if a newer Ciro has used it, run that version', { fault: 'platform', cause: error });
  }
}
