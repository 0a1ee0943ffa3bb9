/** `warn`: it works, with less. `skipped`: could not be looked at here. Only `fail` keeps a coordinator from working. */
export type FindingState = 'ok' | 'warn' | 'fail' | 'skipped';

/** What one check found, in a line, and what to do where there is something to do. */
export interface Finding {
  readonly state: FindingState;
  readonly found: string;
  readonly fix?: string;
}

export interface NamedFinding extends Finding {
  readonly name: string;
}

/** A check; what it throws is a finding, too. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<Finding> | Finding;
}

export const ok = (found: string): Finding => ({ state: 'ok', found });
export const warn = (found: string, fix: string): Finding => ({ state: 'warn', found, fix });
export const fail = (found: string, fix: string): Finding => ({ state: 'fail', found, fix });
export const skipped = (found: string, fix: string): Finding => ({ state: 'skipped', found, fix });

/** Runs all checks side by side and gives their findings in order. */
export function runChecks(checks: readonly Check[]): Promise<readonly NamedFinding[]> {
  return Promise.all(
    checks.map(async ({ name, look }): Promise<NamedFinding> => {
      try {
        return { name, ...(await look()) };
      } catch (error) {
        return { name, ...fail(error instanceof Error ? error.message : String(error), 'what it says above; `npm run doctor` looks again') };
      }
    }),
  );
}

const MARKS: Readonly<Record<FindingState, string>> = { ok: 'ok     ', warn: 'warn   ', fail: 'FAIL   ', skipped: 'skipped' };

/** A line for each finding, and under it what to do. */
export function findingLines(findings: readonly NamedFinding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, state, found, fix }) => [`${MARKS[state]} ${name.padEnd(width)}  ${found.replace(/\s*\n\s*/g, ' ')}`, ...(fix === undefined ? [] : [`        ${' '.repeat(width)} → ${fix}`])]);
  return lines.join('\n');
}
