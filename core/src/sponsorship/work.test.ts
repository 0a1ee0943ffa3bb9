import { describe, expect, it } from 'vitest';
import { findWork, workBits } from './work.ts';

const CHALLENGE = { chainId: '0x534e', account: '0x123', slot: 7 };

describe('proof of work (SPEC Y2)', () => {
  it('a counter that was found has the bits, and the ones before it do not', () => {
    const counter = findWork(CHALLENGE, 8) ?? -1;
    expect(workBits(CHALLENGE, counter)).toBeGreaterThanOrEqual(8);
    for (let before = 0; before < counter; before++) expect(workBits(CHALLENGE, before)).toBeLessThan(8);
  });

  it('is bound to chain, account and slot', () => {
    const counter = findWork(CHALLENGE, 12) ?? -1;
    const others = [{ ...CHALLENGE, chainId: '0x1' }, { ...CHALLENGE, account: '0x124' }, { ...CHALLENGE, slot: 8 }];
    expect(others.map((other) => workBits(other, counter) >= 12)).toEqual([false, false, false]);
  });

  it('gives up after as many tries as it was given', () => {
    expect(findWork(CHALLENGE, 24, { tries: 3 })).toBeUndefined();
  });

  it('is pinned, so that pages and coordinators of different versions agree', () => {
    expect([workBits(CHALLENGE, 0), findWork(CHALLENGE, 10)]).toEqual([1, 3011]);
  });
});
