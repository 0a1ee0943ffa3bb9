import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { EvidenceFile, EvidencePrefix } from '@ciro/core/evidence/evidence.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { ToyLies, ToyQuestion } from '../support/toy-answer.ts';
import type { ToyAuditing, ToyEvidence } from '../support/toy-evidence.ts';

const SEED = 53;
const USER = { role: 'user', content: 'hello the other, and tell me of the one that is not here: hello hello the other' };

let network: ToyNetwork;
let ports: VerifyPorts;
let first: ToyEvidence;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 3 });
  const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
  ports = { verifySignature, text, coordinatorKey: network.key.publicKey };
  first = await toyEvidence(network, { messages: [USER], maxTokens: 24 });
});
afterAll(() => network[Symbol.asyncDispose]());

const recomputing = (): VerifyPorts => ({ ...ports, recompute: new ReferenceRecompute(network.manifest, network.model.path, { signal: new AbortController().signal }) });
const namesOf = (report: Report, state: string): string[] => report.checks.filter((check) => check.state === state).map(({ name }) => name);

/** What is wrong first: name of the check, and where. */
const wrongOf = (report: Report): (string | undefined)[] => [namesOf(report, 'failed')[0], report.first?.at];

/** The next question of the conversation, over what the stages keep of the turn before. */
function nextOf(before: ToyEvidence, content: string): ToyQuestion {
  const messages = [...(before.job.request.messages as ToyQuestion['messages']), { role: 'assistant', content: before.job.text }, { role: 'user', content }];
  const { model } = network;
  const prompt = model.tokenizer.encodePrompt(model.template.render(messages));
  const ids = [...before.file.prompt_ids, ...before.file.token_ids.slice(0, -1)];
  const differs = ids.findIndex((id, position) => id !== prompt[position]);
  const common = differs < 0 ? ids.length : differs;
  return { messages, maxTokens: 12, prefix: { job: before.job, positions: common - (common % 16) } };
}

const turn = (before: ToyEvidence, auditing: ToyAuditing = {}, lies: ToyLies = {}): Promise<ToyEvidence> => toyEvidence(network, nextOf(before, 'and the other'), { prefix: [before.job.record, ...(auditing.prefix ?? [])], ...auditing }, lies);

describe('an answer that begins with kept caches', () => {
  it('V2, V4 to V6: is audited and verified, with and without computing it again, and its reused positions are not charged', async () => {
    const { file, job } = await turn(first);
    const p = job.record.signed.plan.prefix?.positions ?? 0;
    expect(p).toBeGreaterThanOrEqual(16);
    for (const each of [ports, recomputing()]) {
      const report = await verifyAnswer(file, each);
      expect(report.first).toBeNull();
      expect(namesOf(report, 'ok')).toContain('prefix');
    }
    expect(file.audits).toHaveLength(3);
    for (const [stage, { units, paid_positions: paid }] of file.stages.entries()) {
      expect([units[0]?.from, paid, file.audits[stage]?.outcome]).toEqual([p, file.prompt_ids.length + file.token_ids.length - 1 - p, 'passed']);
    }
    expect(BigInt(file.ledger.debit)).toBe(250n * BigInt(file.prompt_ids.length - p) + 1_000n * BigInt(file.token_ids.length));
    const plain = await toyEvidence(network, { messages: nextOf(first, 'and the other').messages, maxTokens: 12 });
    expect(file.token_ids).toEqual(plain.file.token_ids);
    expect(BigInt(plain.file.ledger.debit) - BigInt(file.ledger.debit)).toBe(250n * BigInt(p));
  });

  it('V2: a third turn stands on the second, and the evidence has what is needed of both', async () => {
    const second = await turn(first);
    const third = await toyEvidence(network, nextOf(second, 'hello'), { prefix: [second.job.record, first.job.record] });
    expect(third.file.prefix).toHaveLength(2);
    expect((await verifyAnswer(third.file, recomputing())).first).toBeNull();
    const short = { ...third.file, prefix: third.file.prefix?.slice(0, 1) ?? [] };
    expect(wrongOf(await verifyAnswer(short, ports))).toEqual(['prefix', 'prefix[1]']);
  });

  it.each([0, 1, 2])('V4: a cache of stage %i that its signed inputs do not give fails the job that was computed with it', async (stage) => {
    const cache = (at: number, rows: Float32Array): Float32Array => (at === stage ? rows.toReversed() : rows);
    const audited = await turn(first, {}, { cache });
    expect(audited.file.audits[stage]).toMatchObject({ outcome: 'failed' });
    expect(wrongOf(await verifyAnswer(audited.file, ports))).toEqual(['audit outcome', `stages[${stage}].audit_status`]);
    // Where the draw passed it by, it shows to whoever computes the answer again.
    const passedBy = await turn(first, { rate: 0, pieces: false }, { cache });
    expect((await verifyAnswer(passedBy.file, ports)).first).toBeNull();
    expect(wrongOf(await verifyAnswer(passedBy.file, recomputing()))[0]).toBe(`stage ${stage} recomputed`);
  });

  const changed = (file: EvidenceFile, change: (prefix: EvidencePrefix[]) => unknown): EvidenceFile => {
    const copy = structuredClone(file);
    change(copy.prefix ?? []);
    return copy;
  };
  const body = ([part]: EvidencePrefix[], stage: number) => {
    const unit = part?.stages[stage]?.[0];
    if (unit === undefined) throw new Error(`no unit of stage ${stage}`);
    return unit.receipt.body;
  };
  it.each([
    ['no evidence of it', 'prefix[0]', (file: EvidenceFile) => (({ prefix: _, ...rest }) => rest)(file) as EvidenceFile],
    ['another plan', 'prefix[0].plan.plan', (file: EvidenceFile) => changed(file, ([part]) => part && (part.plan.plan.maxTokens += 1))],
    ['a unit that is missing', 'prefix[0].stages[1]', (file: EvidenceFile) => changed(file, ([part]) => part?.stages[1]?.pop())],
    ['other inputs of the first stage', 'prefix[0].stages[0][0].receipt.body.inputHash', (file: EvidenceFile) => changed(file, (prefix) => (body(prefix, 0).inputHash = 'ab'.repeat(32) as never))],
    ['other inputs than were passed on', 'prefix[0].stages[2][0].receipt.body.inputHash', (file: EvidenceFile) => changed(file, (prefix) => (body(prefix, 2).inputHash = 'ab'.repeat(32) as never))],
    ['a receipt that nobody acknowledged', 'prefix[0].stages[2][0].acknowledgement.receiptHash', (file: EvidenceFile) => changed(file, (prefix) => (body(prefix, 2).payloadHash = 'ab'.repeat(32) as never))],
    ['a signature of another', 'prefix[0].stages[1][0].receipt.signature', (file: EvidenceFile) => changed(file, ([part]) => {
      const [one, other] = [part?.stages[1]?.[0], part?.stages[0]?.[0]];
      if (one !== undefined && other !== undefined) one.receipt.signature = other.receipt.signature;
    })],
    ['more than the plan names', 'prefix[1]', (file: EvidenceFile) => changed(file, (prefix) => prefix.push(structuredClone(prefix[0] as EvidencePrefix)))],
  ])('V6: %s is found and named', async (_, at, change) => {
    const { file } = await turn(first);
    expect(wrongOf(await verifyAnswer(change(file), ports))).toEqual(['prefix', at]);
  });

  it('V6: a prefix that no plan names is found', async () => {
    const { file } = await turn(first);
    const { file: plain } = first;
    expect(wrongOf(await verifyAnswer({ ...plain, prefix: file.prefix ?? [] }, ports))).toEqual(['prefix', 'prefix[0]']);
  });
});

describe('an answer that goes on over one other tab', () => {
  const TOKENS = 24;
  const asked = { messages: [USER], maxTokens: TOKENS };
  let moved: ToyEvidence;
  beforeAll(async () => {
    moved = await toyEvidence(network, { ...asked, lost: { stage: 1, after: 14 } });
  });
  /** Goes on from `before`, its stages on the workers of these numbers. */
  const goOn = (before: ToyEvidence, workers: readonly number[], rebuilds: number | undefined, earlier: readonly ToyEvidence[] = [], kept = before.job.record.tokenIds): Promise<ToyEvidence> => {
    const { promptIds, tokenIds } = before.job.record;
    const computed = promptIds.length + tokenIds.length - 1;
    const prefix = { job: before.job, positions: computed - (computed % 16), ...(rebuilds !== undefined && { rebuilds }) };
    return toyEvidence(network, { ...asked, again: { kept, workers, free: true }, prefix }, { continues: before.job.record.signed.plan.job, prefix: [before, ...earlier].map(({ job }) => job.record) });
  };
  const whole = ({ file }: ToyEvidence, { file: { request, answer_text: _, timings: __, ...before } }: ToyEvidence): EvidenceFile => ({ ...file, ...(request !== undefined && { request }), earlier: [{ ...before, continued_by: file.job }] });

  it('V9: is audited, verified and computed again, and draws what it would have drawn', async () => {
    const rest = await goOn(moved, [0, 4, 2], 1);
    for (const each of [ports, recomputing()]) expect((await verifyAnswer(whole(rest, moved), each)).first).toBeNull();
    expect(rest.file.audits.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed']);
    expect([...moved.file.token_ids, ...rest.file.token_ids]).toEqual(first.file.token_ids);
  });

  it.each([['none', undefined], ['another one', 2]])('V6, V9: a stage with another worker of which the plan says that %s is rebuilt is found', async (_, rebuilds) => {
    const rest = await goOn(moved, [0, 4, 2], rebuilds);
    expect(wrongOf(await verifyAnswer(whole(rest, moved), ports))).toEqual(['prefix', 'prefix[0].plan.plan.stages']);
  });

  it('V9: a stage that is rebuilt after one that was is found: nobody signed what it was given', async () => {
    const second = await goOn(moved, [0, 4, 2], 1);
    const [right, wrong] = await Promise.all([0, 2].map((stage) => goOn(second, [0, 4, 2].map((worker, at) => (at === stage ? 5 : worker)), stage, [moved], [...moved.job.record.tokenIds, ...second.job.record.tokenIds.slice(0, -1)])));
    const prefixOf = async (each: ToyEvidence | undefined) => (each === undefined ? undefined : (await verifyAnswer(each.file, ports)).checks.find(({ name }) => name === 'prefix'));
    expect(await prefixOf(right)).toMatchObject({ state: 'ok' });
    expect(await prefixOf(wrong)).toMatchObject({ state: 'failed' });
  });
});
