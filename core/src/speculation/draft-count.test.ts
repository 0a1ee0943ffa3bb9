import { expect, it } from 'vitest';
import { draftCount } from './draft-count.ts';

it.each([
  ['a copy on a slow line: many', { lapMs: 100, rowMs: 6, acceptance: 0.9, most: 15 }, 12],
  ['a copy on a slow line, as many as there are', { lapMs: 100, rowMs: 6, acceptance: 0.9, most: 4 }, 4],
  ['a doubtful guess on a slow line: one', { lapMs: 100, rowMs: 6, acceptance: 0.25, most: 15 }, 1],
  ['a doubtful guess without delay: none', { lapMs: 40, rowMs: 8, acceptance: 0.2, most: 15 }, 0],
  ['a copy without delay: fewer', { lapMs: 40, rowMs: 8, acceptance: 0.9, most: 15 }, 7],
  ['a guess that never comes true', { lapMs: 100, rowMs: 6, acceptance: 0, most: 15 }, 0],
  ['a guess that hardly ever comes true and costs hardly anything', { lapMs: 100, rowMs: 0.1, acceptance: 0.01, most: 15 }, 0],
  ['nothing to guess', { lapMs: 100, rowMs: 6, acceptance: 0.9, most: 0 }, 0],
  ['before a lap was timed', { lapMs: undefined, rowMs: 6, acceptance: 0.9, most: 15 }, 0],
  ['a clock that shows nothing', { lapMs: 0, rowMs: 0, acceptance: 0.9, most: 15 }, 0],
  ['rows that cost nothing', { lapMs: 100, rowMs: 0, acceptance: 0.9, most: 15 }, 15],
])('E5: %s', (_what, figures, drafts) => {
  expect(draftCount(figures)).toBe(drafts);
});
