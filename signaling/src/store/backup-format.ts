import * as v from 'valibot';

/**
 * A backup is gzip of lines of JSON: the header, then for each table its line and one line a row (each value as PostgreSQL's own text, or
 * null), then the end. It says nothing of the kind of database: what was kept embedded may be restored into PostgreSQL, and the other way round.
 */
export const BACKUP_FORMAT = 'ciro-backup/1';

/** Files of the data folder that belong to a backup. */
export const PRIVATE_FILES = ['coordinator-key.json', 'trial-key'] as const;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** Of a table or column; it is only compared with what the database has. */
const Name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,62}$/));

export const BackupHeader = v.strictObject({
  format: v.literal(BACKUP_FORMAT),
  /** Epoch milliseconds. */
  created_at: Count,
  /** Names of the migrations that the database had, in order. */
  migrations: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9]{4}-[a-z0-9-]{1,60}$/))), v.minLength(1)),
  /** End of the ledger: what the restored chain has to lead to. */
  ledger: v.strictObject({ sequence: Count, hash: Hash }),
  /** Private files of the data folder by name: with them the network stays the one that evidence and workers know. */
  files: v.record(v.picklist(PRIVATE_FILES), v.string()),
});
export type BackupHeader = v.InferOutput<typeof BackupHeader>;

export const TableLine = v.strictObject({ table: Name, columns: v.pipe(v.array(Name), v.minLength(1)) });
export type TableLine = v.InferOutput<typeof TableLine>;

export const RowLine = v.array(v.nullable(v.string()));

/** `sha256`: of all lines before it, each with its line feed. */
export const EndLine = v.strictObject({ end: v.record(Name, Count), sha256: Hash });
export type EndLine = v.InferOutput<typeof EndLine>;
