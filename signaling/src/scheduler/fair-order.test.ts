import { expect, it } from 'vitest';
import { inFairOrder } from './fair-order.ts';
import type { Turn } from './fair-order.ts';

const job = (name: string, rank = 2): Turn & { readonly name: string } => ({ name, account: name.slice(0, 1), rank });
const orderOf = (waiting: readonly ReturnType<typeof job>[], running: Record<string, number> = {}): string => inFairOrder(waiting, (each) => each, new Map(Object.entries(running))).map(({ name }) => name).join(' ');

it('E3: jobs of one account begin in the order in which they came', () => {
  expect(orderOf(['a1', 'a2', 'a3'].map((name) => job(name)))).toBe('a1 a2 a3');
  expect(orderOf([])).toBe('');
});

it('E3: accounts take turns, however many jobs one of them sent first', () => {
  expect(orderOf(['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => job(name)))).toBe('a1 b1 c1 a2 b2 a3 a4');
});

it('E3: who has jobs running already waits for those who have fewer', () => {
  const waiting = ['a1', 'a2', 'b1', 'b2', 'b3'].map((name) => job(name));
  expect(orderOf(waiting, { a: 4 })).toBe('b1 b2 b3 a1 a2');
  expect(orderOf(waiting, { a: 1, b: 2, z: 1 })).toBe('a1 a2 b1 b2 b3');
});

it('E3: rank goes before accounts, and counts as a turn of theirs', () => {
  expect(orderOf([job('a1'), job('a2', 1), job('b1', 1), job('a3', 0), job('b2')])).toBe('a3 b1 a2 b2 a1');
});
