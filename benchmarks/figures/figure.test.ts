import { describe, expect, it } from 'vitest';
import { figureRow, median } from './figure.ts';

describe('median', () => {
  it('is the middle of an odd number and the mean of the two in the middle of an even one, in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(median([7])).toBe(7);
  });

  it('of nothing is no number, which a report refuses', () => {
    expect(median([])).toBeNaN();
  });
});

it('a row keeps every value in the order in which it was measured', () => {
  expect(figureRow('tokens/s', '3 tabs', '1/s', [30.12345, 10, 20])).toEqual({ figure: 'tokens/s', of: '3 tabs', median: 20, unit: '1/s', raw: '30.123 10 20' });
});
