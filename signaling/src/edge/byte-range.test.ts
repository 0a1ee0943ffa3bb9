import { expect, it } from 'vitest';
import { namesTag, parseRange } from './byte-range.ts';

const ranges: readonly (readonly [header: string | undefined, span: ReturnType<typeof parseRange>])[] = [
  [undefined, 'all'],
  ['bytes=0-0', { from: 0, to: 1 }],
  ['bytes=0-', { from: 0, to: 100 }],
  ['bytes=10-19', { from: 10, to: 20 }],
  ['bytes=99-200', { from: 99, to: 100 }],
  ['bytes=-1', { from: 99, to: 100 }],
  ['bytes=-500', { from: 0, to: 100 }],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=100-105', 'unsatisfiable'],
  ['bytes=-', 'all'],
  ['bytes=20-10', 'all'],
  ['bytes=0-1,5-6', 'all'],
  ['bytes=0x1-2', 'all'],
  ['bytes=9999999999999999-', 'all'],
  ['items=0-1', 'all'],
];

it.each(ranges)('%s of 100 bytes is %o', (header, span) => {
  expect(parseRange(header, 100)).toEqual(span);
});

it('a tag is named alone, in a list, or by a star', () => {
  for (const header of ['"a"', '"b", "a"', '*']) expect(namesTag(header, '"a"'), header).toBe(true);
  for (const header of [undefined, '', '"b"', 'a', 'W/"a"']) expect(namesTag(header, '"a"'), header).toBe(false);
});
