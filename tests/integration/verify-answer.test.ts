import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { randomSource } from '../support/stage-ring.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { ToyQuestion } from '../support/toy-answer.ts';

const SEED = 77;
const WORDS = ['hello', 'the', 'in', 'an', 'on', 'here', 'lo', 'then', 'other', 'thin'];

const networks = new Map<number, { network: ToyNetwork; ports: VerifyPorts }>();
const withStages = (stages: number): { network: ToyNetwork; ports: VerifyPorts } => networks.get(stages) as { network: ToyNetwork; ports: VerifyPorts };
const recomputing = (network: ToyNetwork): ReferenceRecompute => new ReferenceRecompute(network.manifest, network.model.path, { signal: new AbortController().signal });
const stateOf = (report: Report, name: string): string | undefined => report.checks.find((check) => check.name === name)?.state;

beforeAll(async () => {
  for (const stages of [1, 2, 3]) {
    const network = await ToyNetwork.open({ seed: SEED + stages, stages });
    const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
    networks.set(stages, { network, ports: { verifySignature, text, coordinatorKey: network.key.publicKey } });
  }
});
afterAll(async () => {
  for (const { network } of networks.values()) await network[Symbol.asyncDispose]();
});

/** A question in the seed's own words, and how its answer ends. */
function questionOf(random: (below: number) => number): ToyQuestion & { readonly stages: number; readonly rate: number; readonly pieces: boolean } {
  const content = Array.from({ length: 1 + random(12) }, () => WORDS[random(WORDS.length)]).join(' ');
  const end = random(4);
  return {
    messages: [...(random(2) === 0 ? [{ role: 'system', content: 'be on the other' }] : []), { role: 'user', content }],
    maxTokens: 1 + random(30),
    temperature: random(2) === 0 ? 0 : 0.7 + random(10) / 10,
    seed: random(1_000),
    ...(end === 1 ? { leavesAfter: 1 + random(20), overrun: random(3) === 0 ? 0 : 1 + random(20), ahead: random(4) } : {}),
    ...(end === 2 ? { stop: ['e', 'h', 'o', '1', '+'], overrun: random(3) === 0 ? 0 : 1 + random(20), ahead: random(4) } : {}),
    drafts: random(2) === 0 ? 0 : 1 + random(15),
    assurance: random(4) === 0 ? 'checked' : 'stream',
    stages: 1 + random(3),
    rate: [1, 0.5, 0.02][random(3)] ?? 1,
    pieces: random(3) > 0,
  };
}

it('raises no alarm over honest answers, however long, cut, drawn, drafted or audited they are', async () => {
  const random = randomSource(SEED);
  process.stdout.write(`honest answers from seed ${SEED}\n`);
  const ends = new Map<string, number>();
  const drafts = { drafted: 0, accepted: 0 };
  for (let n = 0; n < 48; n++) {
    const { stages, rate, pieces, ...question } = questionOf(random);
    const { network, ports } = withStages(stages);
    const { file, job } = await toyEvidence(network, question, { rate, pieces });
    drafts.drafted += job.drafts.drafted;
    drafts.accepted += job.drafts.accepted;
    const report = await verifyAnswer(file, n % 10 === 0 ? { ...ports, recompute: recomputing(network) } : ports);
    expect({ n, question, stages, first: report.first }).toEqual({ n, question, stages, first: null });
    for (const name of ['prompt text', 'answer text', 'hash chain', 'price', 'ledger entry', 'audit draw']) expect({ n, name, state: stateOf(report, name) }).toEqual({ n, name, state: 'ok' });
    const key = `${file.finish_reason}${file.surplus_ids.length > 0 ? ' with surplus' : ''}`;
    ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  process.stdout.write(`${JSON.stringify([...ends])} ${JSON.stringify(drafts)}\n`);
  // Some drafts came true and some did not (SPEC E5).
  expect(drafts.accepted).toBeGreaterThan(3);
  expect(drafts.drafted - drafts.accepted).toBeGreaterThan(3);
  // Every way to end was among them, also with units that reach past the answer.
  for (const end of ['length', 'stop', 'stop with surplus', 'cancelled', 'cancelled with surplus']) expect([...ends.keys()]).toContain(end);
});

describe('what is not at hand is named as not checked', () => {
  const QUESTION = { messages: [{ role: 'user', content: 'hello' }], maxTokens: 5 };

  it('text without the model file, the request without the client, pieces and the draw before there are any', async () => {
    const { network } = withStages(2);
    const { file } = await toyEvidence(network, QUESTION, { pieces: false });
    const { request: _request, answer_text: _shown, ...bare } = file;
    const report = await verifyAnswer(bare, { verifySignature });
    expect(report.verdict).toBe('verified');
    expect(report.checks.filter(({ state }) => state === 'not checked').map(({ name }) => name)).toEqual(['request', 'prompt text', 'answer text', 'audit of stage 0', 'audit of stage 1', 'recomputation']);
    expect(report.checks.find(({ name }) => name === 'audit of stage 0')).toMatchObject({ reason: expect.stringContaining('?pieces=1') });
    const undrawn = await verifyAnswer((await toyEvidence(network, QUESTION, { undrawn: true })).file, { verifySignature });
    expect([undrawn.verdict, stateOf(undrawn, 'audit draw'), stateOf(undrawn, 'audit outcome')]).toEqual(['verified', 'not checked', 'not checked']);
  });

  it('a unit that the neighbour did not acknowledge, which is not paid (SPEC R2)', async () => {
    const { network, ports } = withStages(2);
    const { file } = await toyEvidence(network, QUESTION, { undrawn: true }, { silent: (stage, unit) => stage === 0 && unit === 1 });
    const report = await verifyAnswer(file, ports);
    expect(report.verdict).toBe('verified');
    expect(report.checks.find(({ name }) => name === 'stage 0 acknowledgements')).toMatchObject({ state: 'not checked', reason: expect.stringContaining('units 1; they are not paid') });
    const paid: EvidenceFile = { ...file, stages: file.stages.map((stage) => ({ ...stage, paid_positions: 22 })) };
    expect((await verifyAnswer(paid, ports)).first).toMatchObject({ at: 'stages[0].paid_positions', expected: '16', got: '22' });
  });
});

describe('who signs', () => {
  const QUESTION = { messages: [{ role: 'user', content: 'the other' }], maxTokens: 3 };

  it('a plan of another coordinator than the one that was pinned is refused (SPEC P1)', async () => {
    const { network, ports } = withStages(1);
    const { file } = await toyEvidence(network, QUESTION);
    const other = withStages(2).network.key.publicKey;
    expect(await verifyAnswer(file, { ...ports, coordinatorKey: other })).toMatchObject({ verdict: 'failed', first: { at: 'plan.coordinator_public_key' } });
  });
});

describe('recomputation', () => {
  const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 12 };

  it('a stage that computed something else is found, with and without the pieces, and nothing else finds it', async () => {
    const { network, ports } = withStages(3);
    const scaled = (stage: number, rows: Float32Array): Float32Array => (stage === 1 ? rows.map((value) => value * 1.01) : rows);
    const { file } = await toyEvidence(network, QUESTION, { undrawn: true }, { rows: scaled });
    expect((await verifyAnswer(file, ports)).verdict).toBe('verified');
    const report = await verifyAnswer(file, { ...ports, recompute: recomputing(network) });
    expect(report).toMatchObject({ verdict: 'failed', first: { at: expect.stringMatching(/^stages\[1\]\.units\[0\]\.(canonical_sha256|hints)$/) } });
    expect([stateOf(report, 'stage 0 recomputed'), stateOf(report, 'stage 2 recomputed')]).toEqual(['ok', undefined]);
  });

  it('an auditor finds it, too, and names the position and the channel (SPEC A5, A8)', async () => {
    const { network, ports } = withStages(3);
    const scaled = (stage: number, rows: Float32Array): Float32Array => (stage === 1 ? rows.map((value) => value * 1.01) : rows);
    const { file } = await toyEvidence(network, QUESTION, { rate: 1 }, { rows: scaled });
    const report = await verifyAnswer(file, ports);
    expect(file.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'failed', 'passed']);
    expect(report).toMatchObject({ verdict: 'failed', first: { at: 'stages[1].audit_status', got: expect.stringMatching(/^failed: (cells|far-from-edge) in unit 0 at position \d+, channel \d+$/) } });
    // The transcript itself is in order: three opinions of which the reference run's is one, made again from the pieces.
    expect(stateOf(report, 'audit of stage 1')).toBe('ok');
  });

  it('ids that the signed sampler does not draw are found, though every hash is right (SPEC A7)', async () => {
    const { network, ports } = withStages(3);
    const { file } = await toyEvidence(network, { ...QUESTION, temperature: 1.5, seed: 3 }, { undrawn: true }, { drawnWith: (sampler) => ({ ...sampler, seed: 4 }) });
    expect((await verifyAnswer(file, ports)).verdict).toBe('verified');
    expect(await verifyAnswer(file, { ...ports, recompute: recomputing(network) })).toMatchObject({ verdict: 'failed', first: { at: expect.stringMatching(/^token_ids\[\d+\]$/) } });
  });
});
