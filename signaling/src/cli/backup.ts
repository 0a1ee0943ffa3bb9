/** `npm run backup -- FILE`: writes everything a coordinator keeps to a file. */
import { resolve } from 'node:path';
import { backUp } from '../store/restore.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { backupLine } from './backup-line.ts';
import { parseBackupOptions } from './backup-options.ts';
import { runCommand } from './run-command.ts';

await runCommand(async (signal) => {
  const { path, dataDir } = parseBackupOptions(process.argv.slice(2), 'backup');
  const databaseUrl = process.env['DATABASE_URL'] || undefined;
  const onError = (error: Error): void => void process.stderr.write(`${error.message}\n`);
  const summary = await backUp({ dataDir: resolve(CHECKOUT, dataDir), onError, ...(databaseUrl && { databaseUrl }) }, resolve(path), { now: Date.now(), signal });
  process.stdout.write(`${resolve(path)}: ${backupLine(summary)}\nIt holds the coordinator's private key, API keys' hashes and prompts: keep it as you keep a password.\n`);
});
