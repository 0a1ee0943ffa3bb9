import { expect, it } from 'vitest';
import { revertReason } from './revert-reason.ts';

it('finds our error in a stack of failed calls', () => {
  expect(revertReason("Error in the called contract (0x12): 0x4349 ('CIRO-CS: bad proof length'), 0x454e ('ENTRYPOINT_FAILED')")).toBe('CIRO-CS: bad proof length');
});

it('finds what a foreign contract said when none of ours did', () => {
  expect(revertReason("0x617267 ('SRC9: invalid caller'), 0x454e ('ENTRYPOINT_FAILED'), 0x61 ('argent/multicall-failed')")).toBe('SRC9: invalid caller');
});

it('gives the end of a text without any reason in it', () => {
  expect(revertReason(`${'x'.repeat(500)}Out of gas\n`)).toHaveLength(400);
  expect(revertReason('Out of gas\n')).toBe('Out of gas');
});
