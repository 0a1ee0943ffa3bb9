import { expect, it } from 'vitest';
import { callKey, parsePolicy } from './policy.ts';
import { POLICY, STORE } from './service.fixture.ts';
import { selectorOf } from './starknet-hashes.ts';

it('reads amounts to the fri, entry points by name, and addresses of any padding', () => {
  const policy = parsePolicy({ ...POLICY, calls: [{ to: '0x0057', entrypoints: ['claim', 'prove'] }], strkPerDay: '12.000000000000000001' });
  expect(policy.strkPerDay).toBe(12_000_000_000_000_000_001n);
  expect([...policy.allowed]).toEqual([callKey(STORE, selectorOf('claim')), callKey(STORE, selectorOf('prove'))]);
});

const wrong: readonly (readonly [what: string, data: unknown, said: string])[] = [
  ['nothing', undefined, 'its root'],
  ['a field that is no field', { ...POLICY, strkADay: '1' }, 'strkADay'],
  ['no daily stop', { ...POLICY, strkPerDay: undefined }, 'strkPerDay'],
  ['an amount as a number', { ...POLICY, strkPerDay: 1 }, 'strkPerDay'],
  ['more than 18 decimals', { ...POLICY, strkPerDay: '1.0000000000000000001' }, 'strkPerDay'],
  ['an entry point that is no name', { ...POLICY, calls: [{ to: '0x1', entrypoints: ['a b'] }] }, 'calls.0.entrypoints.0'],
  ['an address beyond the field', { ...POLICY, calls: [{ to: `0x${'f'.repeat(64)}`, entrypoints: ['a'] }] }, 'calls.0.to'],
  ['work without a bound', { ...POLICY, newAccounts: { tickets: false, workBits: 60 } }, 'newAccounts.workBits'],
  ['an action dearer than a day', { ...POLICY, strkPerDay: '0.1', maxStrkPerAction: '0.2' }, 'maxStrkPerAction above strkPerDay'],
];

it.each(wrong)('refuses %s, naming the field', (_what, data, said) => {
  expect(() => parsePolicy(data)).toThrow(expect.objectContaining({ code: 'bad-policy', message: expect.stringContaining(said) }));
});
