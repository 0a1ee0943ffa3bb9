import { afterAll, beforeAll, expect, it } from 'vitest';
import { toBase64, toHex } from '@ciro/core/bytes.ts';
import { caseFileOf, caseText, chargeOf, evidenceFelt, jobRef, textHash } from '@ciro/core/dispute/case-file.ts';
import { judgeCase } from '@ciro/core/dispute/judge-case.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { framedEvidence } from '../support/framed-evidence.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { CaseFile } from '@ciro/core/dispute/case-file.ts';
import type { CaseJudgement, JudgePorts } from '@ciro/core/dispute/judge-case.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';

const SEED = 4_711;
const QUESTION = { messages: [{ role: 'user', content: 'hello then the other' }], maxTokens: 6 } as const;

let network: ToyNetwork;
let ports: JudgePorts;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 3 });
  ports = { verifySignature, recompute: async (manifest) => new ReferenceRecompute(manifest, network.model.path, { signal: new AbortController().signal }) };
});
afterAll(() => network[Symbol.asyncDispose]());

/** A job of which one stage passes on rows that are a little off. */
const cheated = async (stage: number): Promise<Evidence> => (await toyEvidence(network, QUESTION, {}, { rows: (at, rows) => (at === stage ? rows.map((value) => value + 0.01) : rows) })).file;
function fileOf(evidence: Evidence, stage: number): CaseFile {
  const { request: _request, answer_text: _text, timings: _timings, ...rest } = evidence as Evidence & Record<string, unknown>;
  const file = caseFileOf(rest as Evidence, stage);
  if ('why' in file) throw new Error(file.why);
  return file;
}
const asPublished = (file: CaseFile): unknown => JSON.parse(caseText(file));
const judge = (file: unknown, changed: Partial<JudgePorts> = {}): Promise<CaseJudgement> => judgeCase(file, { ...ports, ...changed });

it.each([0, 1, 2])('Q2: who passed on other rows than its inputs give is found guilty by the judge\'s own run (stage %i)', async (stage) => {
  const file = fileOf(await cheated(stage), stage);
  const { finding, report } = await judge(asPublished(file));
  expect(finding).toBe('guilty');
  expect(report.verdict).toBe('verified');
  expect(report.checks.find(({ name }) => name === 'transcript')).toMatchObject({ state: 'ok', detail: expect.stringContaining('failed by 3 opinions') });
});

it('Q2: two auditors and the coordinator who make up their rows convict nobody before a judge that computes for itself', async () => {
  const framed = await framedEvidence(network, QUESTION, 1);
  const file = fileOf(framed, 1);
  const { finding, why, report } = await judge(asPublished(file));
  // Their word holds together: the quorum of audits can be made again, and is false.
  expect(report.checks.find(({ name }) => name === 'transcript')).toMatchObject({ state: 'ok', detail: expect.stringContaining('failed by 3 opinions') });
  expect([finding, report.verdict]).toEqual(['not guilty', 'failed']);
  expect(why).toContain('gives what the accused signed');
});

it('Q2: without the model, without the rows, or of another form, no vote is due', async () => {
  const file = fileOf(await cheated(1), 1);
  const payload: string = file.units[0]?.payload_sha256 ?? '';
  const left = Object.fromEntries(Object.entries(file.pieces).filter(([name]) => name !== payload));
  const forged = { ...file.pieces, [payload]: toBase64(new Uint8Array(8)) };
  for (const [changed, with_] of [[file, { recompute: async () => undefined }], [{ ...file, pieces: left }, {}], [{ ...file, pieces: forged }, {}], [{ ...file, format: 'ciro/case/2' }, {}], [null, {}], [{ ...file, extra: 1 }, {}]] as const) {
    expect((await judge(changed, with_)).finding).toBe('cannot tell');
  }
});

it('Q2: what the accused did not sign is not held against it', async () => {
  const file = fileOf(await cheated(1), 1);
  const [first, ...rest] = file.units;
  const stranger = network.workers[5]?.identityPublicKey ?? '';
  const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1);
  const lies: readonly CaseFile[] = [
    { ...file, identity_public_key: stranger },
    { ...file, root: { ...file.root, signature: flipped(file.root.signature) } },
    { ...file, root: { ...file.root, root: `0x${'1'.repeat(60)}` } },
    { ...file, plan: { ...file.plan, signed: { ...file.plan.signed, signature: flipped(file.plan.signed.signature) } } },
    { ...file, units: [{ ...(first as NonNullable<typeof first>), canonical_sha256: flipped(first?.canonical_sha256 ?? '') as never }, ...rest] },
    { ...file, units: rest },
    { ...file, transcript: { ...file.transcript, stage: 2 } },
    { ...file, transcript: { ...file.transcript, units: file.units.length + 1 } },
  ];
  for (const lie of lies) expect((await judge(lie)).finding).toBe('not guilty');
});

it('Q1: a case has one text and one name, says nothing of the rest of the job, and is what the court is told', async () => {
  const evidence = await cheated(1);
  const file = fileOf(evidence, 1);
  const text = caseText(file);
  expect(caseText(JSON.parse(text) as CaseFile)).toBe(text);
  for (const secret of [evidence.text, 'prompt_ids', 'token_ids', evidence.stages[0]?.units[0]?.input_sha256 ?? '?']) expect(text).not.toContain(secret);
  expect(caseFileOf(evidence, 0)).toEqual({ why: 'no quorum failed stage 0' });
  const { pieces: _pieces, ...without } = evidence;
  expect(caseFileOf(without as Evidence, 1)).toEqual({ why: expect.stringContaining('is deleted already') });
  const hash = textHash(text);
  const identity = network.workers[1]?.identityPublicKey ?? '';
  expect(chargeOf(file, hash)).toEqual({ accused: payoutAddress(identity), ref: jobRef(evidence.job), evidence: evidenceFelt(hash) });
  expect(evidenceFelt('f'.repeat(64))).toBe(`0x7${'f'.repeat(62)}`);
  expect(jobRef('0'.repeat(30) + toHex(Uint8Array.of(10)) as never)).toBe('0xa');
});
