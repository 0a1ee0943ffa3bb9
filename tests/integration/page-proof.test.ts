import { afterAll, beforeAll, expect, it } from 'vitest';
import { jobBefore } from '@ciro/web/app/chat/evidence.ts';
import { proofOf } from '@ciro/web/app/chat/proof.ts';
import { answerFile, evidenceOnly, goOn } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';

const SEED = 37;
const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 40 };

let network: ToyNetwork;
/** What the page holds of an answer that moved once. */
let file: EvidenceFile;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 3 });
  const first = await toyEvidence(network, { ...QUESTION, lost: { stage: 1, after: 20 } });
  const second = await goOn(network, QUESTION, first, { workers: [0, 4, 2] });
  file = answerFile([first.file, second.file]);
});
afterAll(() => network[Symbol.asyncDispose]());

const own = (answerText: string) => ({ request: file.request ?? {}, answerText });

it('G2, B4: the page proves an answer that moved with the evidence of both jobs, each named by the one after it', async () => {
  const [first] = file.earlier ?? [];
  expect([jobBefore(evidenceOnly(file)), jobBefore(first)]).toEqual([first?.job, undefined]);
  const report = await proofOf(evidenceOnly(file), own(file.answer_text ?? ''), file.earlier);
  expect([report.first, report.verdict]).toEqual([null, 'verified']);
  expect(report.checks.find(({ name }) => name === 'earlier jobs')?.state).toBe('ok');
});

it('B4: it finds an earlier job changed, and text that was not shown', async () => {
  const [first] = file.earlier ?? [];
  const changed = { ...first, token_ids: [...(first?.token_ids ?? []).slice(0, -1), 1] };
  expect((await proofOf(evidenceOnly(file), own(file.answer_text ?? ''), [changed])).verdict).toBe('failed');
  expect((await proofOf(evidenceOnly(file), own('something else'), file.earlier)).first?.at).toBe('text');
});
