import * as v from 'valibot';

const Severity = v.picklist(['info', 'low', 'moderate', 'high', 'critical']);
/** What `npm audit --json` prints of an answer of the registry. */
const Report = v.object({ vulnerabilities: v.record(v.string(), v.object({ severity: Severity, range: v.string(), isDirect: v.boolean() })), metadata: v.object({ dependencies: v.object({ prod: v.number() }) }) });
/** What it prints where there was none. */
const NoAnswer = v.object({ message: v.string() });

/** Weaknesses of this severity, or worse, in what runs fail the audit. */
const FAILS: ReadonlySet<string> = new Set(['high', 'critical']);

export interface AuditResult {
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly lines: readonly string[];
}

/** What `npm audit` said, in lines. Without an answer of the registry nothing is known: skipped, and loudly so. */
export function auditResult(printed: string): AuditResult {
  const said = parsed(printed);
  if (!v.is(Report, said)) {
    const why = v.is(NoAnswer, said) ? (said.message.split('\n')[0] ?? '') : 'npm printed something else than a report';
    return { state: 'skipped', lines: [`audit: SKIPPED, the registry did not answer: ${why}`, 'audit: nothing is known about weaknesses of the dependencies; run `npm run audit` where there is a network'] };
  }
  const found = Object.entries(said.vulnerabilities).map(([name, { severity, range, isDirect }]) => ({ severity, line: `${severity.padEnd(8)} ${name} ${range}${isDirect ? '' : ' (of a dependency)'}` }));
  const failed = found.some(({ severity }) => FAILS.has(severity));
  const count = said.metadata.dependencies.prod;
  const summary = found.length === 0 ? `audit: no known weakness in ${count} packages that run` : `audit: ${found.length} known ${found.length === 1 ? 'weakness' : 'weaknesses'} in ${count} packages that run${failed ? '; `npm audit` names the fixed versions' : ', none of them high'}`;
  return { state: failed ? 'failed' : 'passed', lines: [...found.map(({ line }) => line), summary] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // npm may have printed nothing at all
  }
}
