/** `npm run verify -- answer FILE`: checks the evidence of an answer offline. Exit 0 verified, 1 failed, 2 wrong usage or no such file. */
import { runCommand } from './run-command.ts';
import { verifyFile } from './verify-file.ts';
import { parseVerifyOptions } from './verify-options.ts';
import { verifyTable } from './verify-table.ts';

await runCommand(async (signal) => {
  const report = await verifyFile(parseVerifyOptions(process.argv.slice(2)), signal);
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  process.stdout.write(`${verifyTable(report, colour)}\n`);
  process.exitCode = report.verdict === 'verified' ? 0 : 1;
});
