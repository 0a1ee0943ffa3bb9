import { parseArgs } from 'node:util';
import { usage } from './job-options.ts';

/** Flags of `npm run backup` and `npm run restore`. */
export interface BackupOptions {
  readonly path: string;
  readonly dataDir: string;
  /** Restore only: moves aside what is there. */
  readonly replace: boolean;
  /** Restore only: reads the file to its end and does nothing else. */
  readonly check: boolean;
}

export const BACKUP_USAGE = `npm run backup -- FILE [--data .ciro/data]                     everything a coordinator keeps, its private key included
npm run restore -- FILE [--data .ciro/data] [--replace | --check]
environment: DATABASE_URL for PostgreSQL, which may be in use during a backup and has to be empty for a restore`;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseBackupOptions(args: readonly string[], command: 'backup' | 'restore'): BackupOptions {
  let values: { readonly data?: string | undefined; readonly replace?: boolean | undefined; readonly check?: boolean | undefined };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { data: { type: 'string' }, replace: { type: 'boolean' }, check: { type: 'boolean' } } }));
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), BACKUP_USAGE);
  }
  const [path, ...more] = positionals;
  const { replace = false, check = false } = values;
  if (path === undefined || path === '') throw usage('no file is named', BACKUP_USAGE);
  if (more.length > 0) throw usage(`${JSON.stringify(more[0])} is one argument too many`, BACKUP_USAGE);
  if (command === 'backup' && (replace || check)) throw usage('--replace and --check belong to restore', BACKUP_USAGE);
  if (replace && check) throw usage('--check changes nothing, so --replace says nothing', BACKUP_USAGE);
  return { path, dataDir: values.data ?? '.ciro/data', replace, check };
}
