import { sha256 } from '@noble/hashes/sha2.js';
import { expect, it } from 'vitest';
import { toBase64, toHex } from '../bytes.ts';
import { checkUnits } from './check-units.ts';
import type { EvidenceStage } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';

const NO_HINTS = Uint8Array.of(0);
/** A prompt of 20 ids and an answer of 13: 32 positions, of which each unit covers 16. */
const factsOf = (finish: 'moved' | 'cancelled', root: EvidenceStage['root']): JobFacts =>
  ({ evidence: { finish_reason: finish, prompt_ids: Array(20).fill(1), token_ids: Array(13).fill(2), surplus_ids: [], stages: [{ root }] }, positions: 32, hidden: 4, reused: 0, firstUnit: 0 }) as unknown as JobFacts;
const stageOf = (...ends: readonly number[]): EvidenceStage =>
  ({ units: ends.map((to, unit) => ({ from: 16 * unit, to, hints: toBase64(NO_HINTS), hint_bytes: 1, hint_sha256: toHex(sha256(NO_HINTS)) })) }) as unknown as EvidenceStage;
const ROOT: EvidenceStage['root'] = { root: '0x1', signature: '' };

it('B4: a unit for every position, of a stage that is still there', () => {
  expect(checkUnits(factsOf('cancelled', ROOT), stageOf(16, 32), 0)).toMatchObject({ state: 'ok' });
  for (const finish of ['cancelled', 'moved'] as const) expect(checkUnits(factsOf(finish, ROOT), stageOf(16), 0)).toMatchObject({ state: 'failed', wrong: { at: 'stages[0].units[1]' } });
  expect(checkUnits(factsOf('cancelled', null), stageOf(16), 0)).toMatchObject({ state: 'failed' });
});

it('G2: of a stage that left, as many as it committed to; the rest is named', () => {
  expect(checkUnits(factsOf('moved', null), stageOf(16), 0)).toMatchObject({ state: 'not checked', reason: expect.stringContaining('16 positions of 32') });
  expect(checkUnits(factsOf('moved', null), stageOf(), 0)).toMatchObject({ state: 'not checked', reason: expect.stringContaining('0 positions of 32') });
  // It may have cut its last unit and left before its root.
  expect(checkUnits(factsOf('moved', null), stageOf(16, 32), 0)).toMatchObject({ state: 'ok' });
  expect(checkUnits(factsOf('moved', null), stageOf(16, 20), 0)).toMatchObject({ state: 'not checked' });
  expect(checkUnits(factsOf('moved', null), stageOf(10, 32), 0)).toMatchObject({ state: 'failed', wrong: { at: 'stages[0].units[0].to' } });
});

it('G2: a stage may have closed a unit over the one id that only it heard of before the last stage left', () => {
  const facts = factsOf('moved', ROOT);
  const longer = { ...facts, evidence: { ...facts.evidence, prompt_ids: Array(19).fill(1) }, positions: 31 } as JobFacts;
  expect(checkUnits(longer, stageOf(16, 32), 0)).toMatchObject({ state: 'ok' });
  expect(checkUnits({ ...longer, evidence: { ...longer.evidence, finish_reason: 'cancelled' } }, stageOf(16, 32), 0)).toMatchObject({ state: 'failed', wrong: { at: 'stages[0].units[1].to' } });
});
