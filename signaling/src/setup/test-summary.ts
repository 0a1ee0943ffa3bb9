import type { TestModule } from 'vitest/node';

/** A test that did not run, and why it says it did not. */
export interface SkippedTest {
  readonly name: string;
  readonly reason: string;
}

export interface TestSummary {
  readonly passed: number;
  /** Failed tests, plus one for each file, suite or process that failed outside of a test. */
  readonly failed: number;
  readonly skipped: readonly SkippedTest[];
}

/**
 * Counts a finished run. What never ran because a hook failed or the run was cut short is not "skipped" by anybody's
 * decision: the hook counts as one failure, an unfinished test as one.
 * @param failedOutside failures that belong to no file: unhandled errors, a crash of the runner
 */
export function summarise(modules: readonly TestModule[], failedOutside: number): TestSummary {
  let passed = 0;
  let failed = failedOutside;
  const skipped: SkippedTest[] = [];
  for (const module of modules) {
    if (module.errors().length > 0) failed += 1;
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed += 1;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'skipped') skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: result.note ?? 'no reason given' });
      else failed += 1;
    }
  }
  return { passed, failed, skipped };
}

/** The skipped tests with their reasons, then the closing line, which stands alone and last. */
export function formatSummary({ passed, failed, skipped }: TestSummary): string {
  const list = skipped.map(({ name, reason }) => `skipped: ${name} (${reason})`);
  return [...list, `${passed} passed, ${failed} failed, ${skipped.length} skipped`].join('\n');
}
