import { expect, it } from 'vitest';
import { describeStep, describeSum } from './chain-table.ts';

const receipt = { hash: '0x123456789abcdef1234' as const, l2Gas: 1_846_400, l1DataGas: 288, feeFri: 5_539_200_000_000_000n, ms: 66, events: [] };

it('prints what a step took, would take, or waits for', () => {
  expect(describeStep({ step: 'deploy CiroToken', state: 'sent', receipt })).toBe('deploy CiroToken                               1,846,400 L2 gas    0.0055 STRK  0x123456…1234');
  expect(describeStep({ step: 'deploy CiroToken', state: 'would send', estimatedFri: 10n ** 18n })).toBe('deploy CiroToken                                                   1.0000 STRK  (at most)');
  expect(describeStep({ step: 'confirm', state: 'waits', note: '1 of 2' })).toBe('confirm                                   waits: 1 of 2');
  expect(describeStep({ step: 'confirm', state: 'there' })).toBe('confirm                                   there already');
});

it('adds the steps up', () => {
  expect(describeSum([{ step: 'a', state: 'sent', receipt }, { step: 'b', state: 'sent', receipt }, { step: 'c', state: 'there' }])).toBe('together                                       3,692,800 L2 gas    0.0111 STRK');
});
