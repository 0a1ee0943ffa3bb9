import { expect, it } from 'vitest';
import { boughtMajority, boughtMajorityOf } from './collusion.ts';

it.each([
  [3, 2, ['2.8', '10.4', '25']],
  [5, 3, ['0.9', '5.8', '20']],
  [9, 5, ['0.09', '2.0', '14']],
] as const)('A8: of %i arbiters a quorum of %i is bought as often as design says, for a tenth, a fifth and a third of the weight', (arbiters, quorum, percent) => {
  [0.1, 0.2, 0.33].forEach((bought, index) => {
    const text = percent[index] ?? '';
    const decimals = text.split('.')[1]?.length ?? 0;
    expect((100 * boughtMajority(arbiters, quorum, bought)).toFixed(decimals)).toBe(text);
  });
});

it('A8: probabilities of all outcomes sum to one, and grow with the share', () => {
  expect(boughtMajority(9, 0, 0.3)).toBeCloseTo(1, 12);
  expect([0, 1].map((bought) => boughtMajority(9, 5, bought))).toEqual([0, 1]);
  for (let tenths = 0; tenths < 10; tenths++) expect(boughtMajority(5, 3, tenths / 10)).toBeLessThan(boughtMajority(5, 3, (tenths + 1) / 10));
});

it('A8: from a finite network without replacement it is the hypergeometric count, and tends to the binomial one', () => {
  // 3 of 10 bought, 3 drawn, 2 of them: (C(3,2) C(7,1) + C(3,3)) / C(10,3) = 22 / 120.
  expect(boughtMajorityOf(10, 3, 3, 2)).toBeCloseTo(22 / 120, 12);
  expect(boughtMajorityOf(10, 1, 3, 2)).toBe(0);
  expect(boughtMajorityOf(10_000, 2_000, 5, 3)).toBeCloseTo(boughtMajority(5, 3, 0.2), 3);
});

it('A8: two bought auditors convict nobody: the reference run has to agree, so it takes the whole bench of three', () => {
  expect(boughtMajority(3, 3, 0.2)).toBeCloseTo(0.008, 12);
});

it('A8: questions without an answer are refused by their numbers', () => {
  for (const ask of [() => boughtMajority(3, 4, 0.1), () => boughtMajority(3, 2, 1.1), () => boughtMajority(2.5, 2, 0.1), () => boughtMajority(3, 2, Number.NaN), () => boughtMajorityOf(10, 11, 3, 2), () => boughtMajorityOf(10, 1, 11, 2)]) {
    expect(ask).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  }
});
