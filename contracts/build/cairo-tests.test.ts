import { expect, it } from 'vitest';
import { testsIn } from './cairo-source.ts';
import { cairoChunks, describeCairoTests, runCairoTests, testModules } from './cairo-tests.ts';
import type { CairoReply, CairoRequest } from './cairo-process.ts';

const SOURCES = new Map([
  ['a', 'pub fn one() {}\n'],
  ['a_test', 'use crate::a::one;\n#[test]\nfn first() {}\n#[test]\nfn second() {}\n#[test]\nfn third() {}\n'],
]);
const outcome = (passedCount: number, failedCount: number, failed: readonly { test: string; reason: string }[] = []): CairoReply => ({ kind: 'tests', passed: [], passedCount, failedCount, failed });

function compilerThat(answers: (tests: readonly string[]) => CairoReply) {
  const asked: string[][] = [];
  return { asked, cairo: async (request: CairoRequest): Promise<CairoReply> => {
    if (request.kind !== 'tests') throw new Error('only tests are run here');
    const tests = testsIn(request.source);
    asked.push(tests);
    return answers(tests);
  } };
}

it('names failed tests by what the compiler printed, in one run', async () => {
  const { asked, cairo } = compilerThat(() => outcome(2, 1, [{ test: 'a_test::second', reason: 'Panicked' }]));
  const result = await runCairoTests('a_test', { sources: SOURCES, cairo });
  expect(describeCairoTests(result)).toBe('a_test: 2 passed, 1 FAILED\n  a_test::second: Panicked');
  expect(asked).toEqual([['first', 'second', 'third']]);
});

it('runs them one by one where the list could not be read, until all are named', async () => {
  const { asked, cairo } = compilerThat((tests) => (tests.length === 3 ? outcome(2, 1) : tests[0] === 'second' ? outcome(0, 1) : outcome(1, 0)));
  const { failed } = await runCairoTests('a_test', { sources: SOURCES, cairo });
  expect(failed).toEqual([{ test: 'second', reason: 'fails; its reason could not be read' }]);
  expect(asked).toEqual([['first', 'second', 'third'], ['first'], ['second']]);
});

it('does not call a file green of which tests did not run', async () => {
  await expect(runCairoTests('a_test', { sources: SOURCES, cairo: compilerThat(() => outcome(2, 0)).cairo })).rejects.toThrow('Of 3 tests of a_test.cairo the compiler ran 2');
  await expect(runCairoTests('a_test', { sources: SOURCES, filter: 'first', cairo: compilerThat(() => outcome(1, 0)).cairo })).resolves.toMatchObject({ passed: 1, failed: [] });
});

it('takes modules of tests by their names', () => {
  expect(testModules(SOURCES)).toEqual(['a_test']);
});

it('runs a few tests in each process, and in none of them what belongs to another', async () => {
  const many = new Map([['many_test', Array.from({ length: 14 }, (_, n) => `#[test]\n#[should_panic(expected: ('}',))]\nfn t${n}() { if true { } }\n`).join('')]]);
  const { asked, cairo } = compilerThat((tests) => outcome(tests.length, 0));
  expect(await runCairoTests('many_test', { sources: many, cairo })).toMatchObject({ passed: 14, failed: [] });
  expect(asked.map((tests) => tests.length)).toEqual([6, 6, 2]);
  expect(asked.flat()).toEqual(Array.from({ length: 14 }, (_, n) => `t${n}`));
  expect(cairoChunks(many).map(({ tests }) => tests)).toEqual(asked);
});
