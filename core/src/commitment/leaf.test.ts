import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { leafHash } from './leaf.ts';
import type { LeafContext } from './leaf.ts';
import type { JobId, NodeId } from '../ids.ts';
import type { UnitHashes } from './unit-hashes.ts';

const hash = (digit: string): string => digit.repeat(64);
const context: LeafContext = { network: 'ciro-test', worker: 'a'.repeat(40) as NodeId, job: 'b'.repeat(32) as JobId, planHash: hash('1'), stage: 2, modelId: hash('2'), precision: 'f32' };
const unit: UnitHashes = { unit: 1, from: 16, to: 32, inputHash: hash('3'), payloadHash: hash('4'), canonHash: hash('5'), hintHash: hash('6'), linkHash: hash('7') };
const salt = 'c'.repeat(32);

test('U3: a leaf is SHA-256 of the domain, a zero byte and the canonical JSON of everything it binds', () => {
  const text = `{"canonHash":"${hash('5')}","from":16,"hintHash":"${hash('6')}","inputHash":"${hash('3')}","job":"${context.job}","modelId":"${hash('2')}","network":"ciro-test","payloadHash":"${hash('4')}","planHash":"${hash('1')}","precision":"f32","salt":"${salt}","stage":2,"to":32,"worker":"${context.worker}"}`;
  expect(leafHash(context, unit, salt)).toBe(createHash('sha256').update(`ciro/leaf/1\0${text}`).digest('hex'));
});

test.each([
  ['network', { ...context, network: 'ciro-main' }, unit],
  ['worker', { ...context, worker: 'd'.repeat(40) as NodeId }, unit],
  ['job', { ...context, job: 'd'.repeat(32) as JobId }, unit],
  ['plan', { ...context, planHash: hash('d') }, unit],
  ['stage', { ...context, stage: 3 }, unit],
  ['model', { ...context, modelId: hash('d') }, unit],
  ['from', context, { ...unit, from: 17 }],
  ['to', context, { ...unit, to: 31 }],
  ['input', context, { ...unit, inputHash: hash('d') }],
  ['payload', context, { ...unit, payloadHash: hash('d') }],
  ['cells', context, { ...unit, canonHash: hash('d') }],
  ['hints', context, { ...unit, hintHash: hash('d') }],
])('U3: another %s is another leaf', (_field, otherContext, otherUnit) => {
  expect(leafHash(otherContext, otherUnit, salt)).not.toBe(leafHash(context, unit, salt));
});

test('U3: the same work under another salt is another leaf', () => {
  expect(leafHash(context, unit, 'd'.repeat(32))).not.toBe(leafHash(context, unit, salt));
});
