import { describe, expect, it } from 'vitest';
import { defaultMemoryBudget } from './memory-budget.ts';

const MIB = 1024 * 1024;

describe('defaultMemoryBudget', () => {
  it.each([[undefined, 1024], [1, 512], [2, 512], [4, 1024], [8, 1024], [32, 1024]])('of a device of %s GiB is %s MiB', (gib, mib) => {
    expect(defaultMemoryBudget(gib)).toBe(mib * MIB);
  });
});
