import { expect, it } from 'vitest';
import { compiledTogether, runNativeTests } from './native-tests.ts';
import type { NativeTestOptions } from './native-tests.ts';

const SOURCES = new Map([
  ['a', 'pub fn one() {}\n'],
  ['a_test', 'use crate::a::one;\n#[test]\nfn first() {}\n#[test]\nfn second() {}\n'],
]);
const RUNNER = { binary: '/runner', corelib: '/corelib' };

function answering(lines: readonly string[], code = 0, said = '') {
  const asked: (readonly string[])[] = [];
  const start: NonNullable<NativeTestOptions['start']> = async (_binary, args, _signal, onLine) => {
    asked.push(args);
    for (const line of lines) onLine(line);
    return { code, said };
  };
  return { asked, start };
}

const passes = (name: string): string => `ciro-test {"test":"astro::a_test::${name}","failure":null,"ms":3}`;

it('names what passed and what failed, and hands on what was printed', async () => {
  const printed: bigint[] = [];
  const { start, asked } = answering([passes('second'), '[DEBUG]\t0x1f', "[DEBUG]\t0x61 ('a')", 'ciro-test {"test":"astro::a_test::first","failure":"Panicked with (0x1).","ms":3}']);
  const result = await runNativeTests(['a_test'], { sources: SOURCES, runner: RUNNER, start, onPrinted: (felt) => void printed.push(felt) });
  expect(result).toEqual([{ module: 'a_test', passed: 1, failed: [{ test: 'a_test::first', reason: 'Panicked with (0x1).' }] }]);
  expect(printed).toEqual([0x1fn, 0x61n]);
  expect(asked[0]?.[0]).toBe('/corelib');
});

it('does not call a file green of which tests did not run, or others did', async () => {
  for (const lines of [[passes('first')], [passes('first'), passes('third')], [passes('first'), passes('second'), passes('third')]]) {
    await expect(runNativeTests(['a_test'], { sources: SOURCES, runner: RUNNER, start: answering(lines).start })).rejects.toThrow('tests of a_test');
  }
  await expect(runNativeTests(['a_test'], { sources: SOURCES, runner: RUNNER, start: answering([passes('first'), passes('second')], 101, 'thread panicked').start })).rejects.toThrow('ended with 101');
  await expect(runNativeTests(['a_test'], { sources: SOURCES, runner: RUNNER, only: ['a_test::first'], start: answering([passes('first')]).start })).resolves.toMatchObject([{ passed: 1 }]);
});

it('says where a module does not compile', async () => {
  const { start } = answering([], 2, 'error: Identifier not found.\n --> /tmp/x/astro.cairo:5:12\n    one\n    ^^^\nwarning: Unused import: `x`\n --> /tmp/x/astro.cairo:1:1\n');
  await expect(runNativeTests(['a_test'], { sources: SOURCES, runner: RUNNER, start })).rejects.toThrow('contracts/src/a_test.cairo:1:12: Identifier not found.');
});

it('compiles modules together that begin alike', () => {
  expect(compiledTogether(['pool_test', 'store_claim_test', 'store_test', 'token_test'])).toEqual([['pool_test'], ['store_claim_test', 'store_test'], ['token_test']]);
});
