/** `npm run audit`: asks the registry for known weaknesses of the packages that run. Exit 0 also when it does not answer, which is said; 1 when one is high or critical. */
import { execFile } from 'node:child_process';
import { auditResult } from '../setup/audit-report.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { runCommand } from './run-command.ts';

/** A registry that is behind a slow line; one that hangs must not hold up CI. */
const AUDIT_TIMEOUT_MS = 60_000;
const MAX_REPORT_BYTES = 32 * 1024 * 1024;

await runCommand(async (signal) => {
  const npm = process.env['npm_execpath'];
  const [program, first] = npm?.endsWith('.js') === true ? [process.execPath, [npm]] : ['npm', []];
  // It exits with 1 both when something was found and when nobody answered: what it printed tells which.
  const printed = await new Promise<string>((resolve) => {
    execFile(program, [...first, 'audit', '--json', '--omit=dev'], { cwd: CHECKOUT, timeout: AUDIT_TIMEOUT_MS, maxBuffer: MAX_REPORT_BYTES, signal }, (_error, stdout) => resolve(stdout));
  });
  signal.throwIfAborted();
  const { state, lines } = auditResult(printed);
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = state === 'failed' ? 1 : 0;
});
