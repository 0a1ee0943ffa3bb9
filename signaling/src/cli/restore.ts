/** `npm run restore -- FILE`: puts a backup in the place of nothing, or of what `--replace` moves aside; `--check` only reads it. */
import { resolve } from 'node:path';
import { checkBackup } from '../store/read-backup.ts';
import { restore } from '../store/restore.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { backupLine } from './backup-line.ts';
import { parseBackupOptions } from './backup-options.ts';
import { runCommand } from './run-command.ts';

await runCommand(async () => {
  const { path, dataDir, replace, check } = parseBackupOptions(process.argv.slice(2), 'restore');
  const file = resolve(path);
  if (check) {
    process.stdout.write(`${file} is whole: ${backupLine(await checkBackup(file))}\n`);
    return;
  }
  const databaseUrl = process.env['DATABASE_URL'] || undefined;
  const onError = (error: Error): void => void process.stderr.write(`${error.message}\n`);
  const summary = await restore({ dataDir: resolve(CHECKOUT, dataDir), onError, ...(databaseUrl && { databaseUrl }) }, file, { now: Date.now(), replace });
  process.stdout.write(`restored ${backupLine(summary)}; every entry of the ledger follows from the one before it\n`);
});
