import type { BackupSummary } from '../store/write-backup.ts';

/** What a backup holds, in a line. */
export function backupLine({ createdAt, ledger, rows }: BackupSummary): string {
  const count = Object.values(rows).reduce((sum, each) => sum + each, 0);
  return `of ${new Date(createdAt).toISOString()}, ${count} rows in ${Object.keys(rows).length} tables, ledger up to entry ${ledger.sequence} (${ledger.hash.slice(0, 16)}…)`;
}
