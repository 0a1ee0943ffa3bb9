import { alignedTable } from './evidence-table.ts';
import type { Check, Report } from '@ciro/core/evidence/report.ts';

const GREEN = '\u001b[32m';
const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

/** A report as a table for a terminal, closed by one line that says what came of it. `colour`: only for a terminal. */
export function verifyTable(report: Report, colour: boolean): string {
  const paint = (text: string, code: string): string => (colour ? code + text + RESET : text);
  const rows = report.checks.map((check) => [check.name, check.state, detailOf(check)]);
  const [header = '', ...lines] = alignedTable([['check', 'result', 'what was found'], ...rows]).split('\n');
  const painted = lines.map((line, index) => {
    const state = report.checks[index]?.state;
    return paint(line, state === 'ok' ? GREEN : state === 'failed' ? RED : DIM);
  });
  return [header, ...painted, '', paint(lastLine(report), report.verdict === 'verified' ? GREEN : RED)].join('\n');
}

function detailOf(check: Check): string {
  switch (check.state) {
    case 'ok':
      return check.detail;
    case 'not checked':
      return check.reason;
    case 'failed':
      return `${check.wrong.at}: ${check.wrong.why}`;
  }
}

function lastLine({ checks, first }: Report): string {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  const skipped = count('not checked');
  if (first === null) return `verified: ${count('ok')} checks hold${skipped === 0 ? '' : `, ${skipped} could not be made`}`;
  return `failed: ${first.at}: ${first.why}: expected ${first.expected}, got ${first.got}`;
}
