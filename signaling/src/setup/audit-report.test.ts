import { expect, it } from 'vitest';
import { auditResult } from './audit-report.ts';

const report = (vulnerabilities: object): string => JSON.stringify({ auditReportVersion: 2, vulnerabilities, metadata: { vulnerabilities: {}, dependencies: { prod: 150, dev: 20 } } });

it('passes where nothing is known, and where nothing is high; fails at high and critical, by name', () => {
  expect(auditResult(report({}))).toEqual({ state: 'passed', lines: ['audit: no known weakness in 150 packages that run'] });
  expect(auditResult(report({ a: { severity: 'moderate', range: '<1.2', isDirect: true, via: [] } }))).toMatchObject({ state: 'passed', lines: ['moderate a <1.2', expect.stringContaining('none of them high')] });
  for (const severity of ['high', 'critical']) expect(auditResult(report({ b: { severity, range: '*', isDirect: false, via: [] } }))).toMatchObject({ state: 'failed', lines: [expect.stringContaining('b * (of a dependency)'), expect.stringContaining('fixed versions')] });
});

it.each([['{"message":"request to https://registry.example failed, reason: connect ECONNREFUSED","error":{}}'], ['{"message":"405 Method Not Allowed"}'], [''], ['{"vulnerabilities":7}']])('is skipped loudly, and neither passed nor failed, without an answer: %s', (printed) => {
  const { state, lines } = auditResult(printed);
  expect(state).toBe('skipped');
  expect(lines[0]).toContain('SKIPPED');
});
