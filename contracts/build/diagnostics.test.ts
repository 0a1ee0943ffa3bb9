import { expect, it } from 'vitest';
import { bundle } from './bundle.ts';
import { notCompiled } from './diagnostics.ts';

const SOURCES = new Map([['low', 'pub fn one() -> felt252 {\n    1\n}\n'], ['top', 'fn two() -> felt252 {\n    crate::low::one() + nope\n}\n']]);

it('names the file, the line and the column of what does not compile', () => {
  const diagnostics = [{ message: '…tifier not found.', line: 8, column: 25 }, { message: 'Odd.', line: 5, column: 1 }];
  const error = notCompiled({ kind: 'not-compiled', diagnostics, printed: 'Compilation failed.' }, bundle('top', SOURCES), SOURCES);
  expect(error.message).toBe(
    'top (low, top) does not compile.\ncontracts/src/top.cairo:2:25: …tifier not found.\n    crate::low::one() + nope\nthe bundle of top:5:1: Odd.\n    }',
  );
});

it('says what the compiler said when nothing else is left of it', () => {
  expect(notCompiled({ kind: 'not-compiled', diagnostics: [], printed: 'Compilation failed.' }, bundle('low', SOURCES), SOURCES).message).toBe(
    'low (low) does not compile.\nThe compiler said only: Compilation failed.',
  );
});
