import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { evidenceOnly } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { Evidence, EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { ToyEvidence } from '../support/toy-evidence.ts';

const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 24 };
/** Workers 0 to 2 hold the stages first; 3 to 5 are spares. */
const OTHERS = [0, 4, 2];

let network: ToyNetwork;
let ports: VerifyPorts;
/** Stage 1 cheated from its third unit on; the answer was done again from there. */
let wrong: ToyEvidence;
let file: EvidenceFile;

beforeAll(async () => {
  network = await ToyNetwork.open({ seed: 5, stages: 3 });
  const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
  ports = { verifySignature, text };
  const { hidden } = network.manifest.architecture;
  // Decode comes row by row: a lap of one position is the answer's, and the eighth of them begins the third unit.
  let decoded = 0;
  const lie = (stage: number, rows: Float32Array): Float32Array => (stage === 1 && rows.length === hidden && ++decoded > 8 ? rows.map((value) => value * 1.02) : rows);
  wrong = await toyEvidence(network, QUESTION, {}, { rows: lie });
  const bad = wrong.file.audits.find(({ outcome }) => outcome === 'failed')?.opinions[0]?.verdict.first?.unit ?? 0;
  const kept = wrong.file.token_ids.slice(0, bad * 16 - (wrong.file.prompt_ids.length - 1));
  const right = await toyEvidence(network, { ...QUESTION, again: { kept, workers: OTHERS } }, { corrects: wrong.job.record.signed.plan.job });
  file = { ...right.file, ...(wrong.file.request === undefined ? {} : { request: wrong.file.request }), earlier: [{ ...evidenceOnly(wrong.file), corrected_by: right.file.job as Evidence['job'] }] };
});
afterAll(() => network[Symbol.asyncDispose]());

const verify = (value: unknown): Promise<Report> => verifyAnswer(value, ports);
const old = (change: (evidence: Evidence) => Evidence): EvidenceFile => ({ ...file, earlier: (file.earlier ?? []).map(change) });

it('an answer that was done again is verified, from the first job\'s prompt to the last one\'s text (SPEC M7)', async () => {
  expect(wrong.file.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'failed', 'passed']);
  expect(file.prompt_ids.length).toBeGreaterThan(wrong.file.prompt_ids.length);
  const report = await verifyAnswer(file, { ...ports, recompute: new ReferenceRecompute(network.manifest, network.model.path, { signal: new AbortController().signal }) });
  expect(report.first).toBeNull();
  expect(report.checks.find(({ name }) => name === 'earlier jobs')).toMatchObject({ state: 'ok', detail: expect.stringContaining('1 earlier answer') });
  expect(report.checks.find(({ name }) => name === 'answer text')?.state).toBe('ok');
});

it('the answer that was wrong is not verified, and says which stage and what of it', async () => {
  const report = await verify({ ...wrong.file, corrected_by: file.job });
  expect(report.first).toMatchObject({ at: 'stages[1].audit_status', got: expect.stringMatching(/unit 2 at position/), why: expect.stringContaining(file.job) });
});

it('without the earlier evidence the prompt and the text are not checked', async () => {
  const { earlier: _earlier, ...alone } = file;
  const report = await verify(alone);
  expect([report.verdict, ...['earlier jobs', 'request', 'prompt text', 'answer text'].map((name) => report.checks.find((check) => check.name === name)?.state)]).toEqual(['verified', 'not checked', 'not checked', 'not checked', 'not checked']);
});

it('a correction of an answer that stood its audit, by the same worker, from another prompt or with ids from behind the bad unit is named', async () => {
  const fine = await toyEvidence(network, QUESTION, { correctedBy: file.job as Evidence['job'] });
  expect((await verify({ ...file, ...(fine.file.request === undefined ? {} : { request: fine.file.request }), earlier: [evidenceOnly(fine.file)] })).first).toMatchObject({ at: 'earlier[0].corrected_by', expected: 'null' });
  expect((await verify(old((evidence) => ({ ...evidence, corrected_by: null })))).first).toMatchObject({ at: 'earlier[0].corrected_by', expected: file.job });
  expect((await verify(old((evidence) => ({ ...evidence, token_ids: evidence.token_ids.map((id, index) => (index === 0 ? (id + 1) % 200 : id)) })))).first?.at).toBe(`prompt_ids[${wrong.file.prompt_ids.length}]`);

  const again = async (kept: readonly number[], workers: readonly number[]): Promise<EvidenceFile> => {
    const made = await toyEvidence(network, { ...QUESTION, again: { kept, workers } }, { corrects: wrong.file.job as Evidence['job'] });
    return { ...made.file, ...(wrong.file.request === undefined ? {} : { request: wrong.file.request }), earlier: [{ ...evidenceOnly(wrong.file), corrected_by: made.file.job as Evidence['job'] }] };
  };
  expect((await verify(await again(wrong.file.token_ids.slice(0, 20), OTHERS))).first).toMatchObject({ at: 'prompt_ids', why: expect.stringContaining('first bad unit') });
  expect((await verify(await again([], [0, 1, 2]))).first).toMatchObject({ at: 'stages[1].worker' });
});
