import { expect, it } from 'vitest';
import { diagnosticsIn, failedTestsIn } from './memory-text.ts';

/** What a heap looks like: pieces of text among other bytes. */
const heap = (...pieces: string[]): Buffer => Buffer.concat(pieces.flatMap((piece) => [Buffer.from([0, 0, 0, 7, 0xf4, 0x02]), Buffer.from(piece, 'latin1')]));

it('reads diagnostics whose first characters are overwritten, once a place, with the longest text', () => {
  const memory = heap(
    'tifier not found.\n --> lib.cairo:12:96\n  nope\n',
    ' has no member "w"\n --> lib.cairo:13:66\n  self.w\n',
    'Type "astro::a::B" has no member "w"\n --> lib.cairo:13:66\n  self.w\n',
    'error: Wrong number of arguments.\n --> lib.cairo:2:7\nx\n',
    'sed variable. Consider ignoring by prefixing with `_`.\n --> lib.cairo:14:5\n',
    ':\n  --> \n --> lib.cairo:',
  );
  expect(diagnosticsIn(memory)).toEqual([
    { message: 'Wrong number of arguments.', line: 2, column: 7 },
    { message: '…tifier not found.', line: 12, column: 96 },
    { message: '…Type "astro::a::B" has no member "w"', line: 13, column: 66 },
  ]);
});

it('reads the failed tests with their reasons, from the longest list that is whole', () => {
  const one = "failures:\n   astro::a_test::first - Panicked with 0x61 ('a').\n";
  const two = `${one}   astro::a_test::tests::second - expected panic but finished successfully.\n`;
  const end = '\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n';
  expect(failedTestsIn(heap(`${one}${end}`, `${two}${end}`, two))).toEqual([
    { test: 'a_test::first', reason: "Panicked with 0x61 ('a')." },
    { test: 'a_test::tests::second', reason: 'expected panic but finished successfully.' },
  ]);
  expect(failedTestsIn(heap('failures:\n', 'nothing'))).toEqual([]);
});
