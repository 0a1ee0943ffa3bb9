/** `npm run verify -- answer|epoch|ledger|case FILE`: checks an answer's evidence, a settlement epoch, a ledger's chain or a case against a worker. Exit 0 verified, 1 failed, 2 wrong usage or no such file. */
import { runCommand } from './run-command.ts';
import { verifyCaseOf } from './verify-case.ts';
import { verifyFile } from './verify-file.ts';
import { parseVerifyOptions } from './verify-options.ts';
import { verifyEpochOf, verifyLedgerOf } from './verify-settlement.ts';
import { verifyTable } from './verify-table.ts';

await runCommand(async (signal) => {
  const options = parseVerifyOptions(process.argv.slice(2));
  const report = options.what === 'answer' ? await verifyFile(options, signal) : options.what === 'case' ? await verifyCaseOf(options, signal) : options.what === 'epoch' ? await verifyEpochOf(options, signal) : await verifyLedgerOf(options, signal);
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  process.stdout.write(`${verifyTable(report, colour)}\n`);
  process.exitCode = report.verdict === 'verified' ? 0 : 1;
});
