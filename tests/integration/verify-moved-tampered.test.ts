import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { price } from '@ciro/core/pricing/price.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { randomSource } from '../support/stage-ring.ts';
import { flipped, kindOf, leavesOf, oneOfEachKind, pathText, UNCHECKED, withValue } from '../support/tamper.ts';
import { answerFile, goOn } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { Evidence, EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { ToyAuditing, ToyEvidence } from '../support/toy-evidence.ts';
import type { ToyLies, ToyQuestion } from '../support/toy-answer.ts';

const SEED = 20_261_130;
const QUESTION: ToyQuestion = { messages: [{ role: 'user', content: 'hello then the other thin' }], maxTokens: 40, temperature: 0.8, seed: 7 };
const OTHERS = [0, 4, 2];
/** Its stage 1 left. */
const LOST = 1;
const X = '0'.repeat(32) as Evidence['job'];

/** What only the root of the stage that left would have bound: its cells, and who posted nothing says no more about itself. */
const UNBOUND: ReadonlySet<string> = new Set(['stages[*].units[*].canonical_sha256']);

let network: ToyNetwork;
let ports: VerifyPorts;
let first: ToyEvidence;
/** The last stage left: nobody signed for its last ids. */
let unsigned: ToyEvidence;
let honest: EvidenceFile;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 3 });
  const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
  ports = { verifySignature, text };
  first = await toyEvidence(network, { ...QUESTION, lost: { stage: LOST, after: 18 } });
  honest = answerFile([first.file, (await goOn(network, QUESTION, first, { workers: OTHERS }, { undrawn: true })).file]);
  unsigned = await toyEvidence(network, { ...QUESTION, lost: { stage: 2, after: 18 } });
  process.stdout.write(`tampering with seed ${SEED}\n`);
});
afterAll(() => network[Symbol.asyncDispose]());

/** The wrong element that is named, or `accepted`. */
async function namedFor(value: unknown): Promise<string> {
  const { verdict, first: element } = await verifyAnswer(value, ports);
  return verdict === 'verified' ? 'accepted' : (element?.at ?? 'nothing');
}
const withMoved = (change: Partial<Evidence>): EvidenceFile => ({ ...honest, earlier: (honest.earlier ?? []).map((job) => ({ ...job, ...change })) });

it('G2, B4: a flipped value anywhere in the job that moved is found and named, as in the last one', async () => {
  expect(await namedFor(honest)).toBe('accepted');
  const random = randomSource(SEED);
  const all = leavesOf(honest.earlier?.[0]);
  // The stage that left has less to show than the others: its places are kinds of their own.
  const [lost, others] = [true, false].map((left) => oneOfEachKind(all.filter(({ path }) => (path[0] === 'stages' && path[1] === LOST) === left), random));
  const missed: string[] = [];
  for (const { path, value } of [...(lost ?? []), ...(others ?? [])]) {
    const kind = kindOf(path);
    if (value === null || UNCHECKED.has(kind) || (lost?.some((each) => each.path === path) === true && UNBOUND.has(kind))) continue;
    const at = await namedFor(withValue(honest, ['earlier', 0, ...path], flipped(value, random)));
    const section = typeof path[1] === 'number' && (path[0] === 'stages' || path[0] === 'audits') ? `${path[0]}[${path[1]}]` : String(path[0]);
    // The manifest decides the model, and a transcript that names another stage is a wrong one of that.
    const named = [`earlier[0].${section}`, ...(section === 'plan' ? ['earlier[0].manifest', 'earlier[0].draw'] : [])];
    if (!named.some((place) => at.startsWith(place))) missed.push(`${pathText(path)}: ${JSON.stringify(value)}: ${at}`);
  }
  expect(lost?.length).toBeGreaterThan(20);
  expect(others?.length).toBeGreaterThan(150);
  expect(missed).toEqual([]);
});

it.each<{ readonly what: string; readonly at: string; readonly file: () => unknown }>([
  { what: 'it ended by itself', at: 'earlier[0].continued_by', file: () => withMoved({ finish_reason: 'cancelled' }) },
  { what: 'another job went on', at: 'earlier[0].continued_by', file: () => withMoved({ continued_by: X }) },
  { what: 'nothing went on', at: 'earlier[0].continued_by', file: () => withMoved({ continued_by: null }) },
  { what: 'another job does it again', at: 'earlier[0].corrected_by', file: () => withMoved({ corrected_by: X }) },
  { what: 'it is not the first job', at: 'earlier[0].continues', file: () => withMoved({ continues: X }) },
  { what: 'it does another again', at: 'earlier[0].corrects', file: () => withMoved({ corrects: X }) },
  { what: 'the next job goes on from another', at: 'continues', file: () => ({ ...honest, continues: X }) },
  { what: 'the next job goes on from none', at: 'continues', file: () => ({ ...honest, continues: null }) },
  { what: 'the next job does it again, too', at: 'continues', file: () => ({ ...honest, corrects: honest.continues }) },
  { what: 'the next job moved, too, it says', at: 'finish_reason', file: () => ({ ...honest, finish_reason: 'moved', continued_by: X }) },
  { what: 'the next job is gone on from', at: 'continued_by', file: () => ({ ...honest, continued_by: X }) },
  { what: 'text that nobody was shown', at: 'earlier[0].text', file: () => withMoved({ text: `${first.file.text}!` }) },
  { what: 'who left is said to have passed', at: `earlier[0].stages[${LOST}].audit_status`, file: () => withMoved({ stages: first.file.stages.map((stage, index) => (index === LOST ? { ...stage, audit_status: 'passed' } : stage)) }) },
  { what: 'who left has a root of another', at: `earlier[0].stages[${LOST}].units[2]`, file: () => withMoved({ stages: first.file.stages.map((stage, index) => (index === LOST ? { ...stage, root: first.file.stages[0]?.root ?? null } : stage)) }) },
  { what: 'who stayed has no root, and is not unpaid', at: 'earlier[0].draw.roots[0]', file: () => withMoved({ stages: first.file.stages.map((stage, index) => (index === 0 ? { ...stage, root: null } : stage)) }) },
  { what: 'part of it is paid back', at: 'earlier[0].ledger.refunded', file: () => withMoved({ ledger: { ...first.file.ledger, refunded: `${first.file.ledger.debit}0` } }) },
  { what: 'the same job twice', at: 'earlier[0].corrected_by', file: () => ({ ...honest, earlier: [honest.earlier?.[0], honest.earlier?.[0]] }) },
])('G2: $what: $at', async ({ at, file }) => {
  expect(await namedFor(file())).toMatch(new RegExp(`^${RegExp.escape(at)}`));
});

describe('a job that goes on with something else, rightly signed by everybody, is named (SPEC G2, M9)', () => {
  const others = async (question: Partial<ToyQuestion>, lies: ToyLies = {}, auditing: ToyAuditing = {}, before = first): Promise<string> =>
    namedFor(answerFile([before.file, (await goOn(network, { ...QUESTION, ...question }, before, { workers: OTHERS, lies }, auditing)).file]));
  const planned = (change: (plan: JobPlan) => Partial<JobPlan>): ToyLies => ({ plan: (plan) => ({ ...plan, ...change(plan) }) });
  const quoted = (rates: Partial<JobPlan['quote']>): ToyLies =>
    planned(({ quote, promptTokens, maxTokens }) => {
      const all = { ...quote, ...rates };
      return { quote: { ...all, hold: String(price({ promptToken: BigInt(all.promptToken), generatedToken: BigInt(all.generatedToken), feeBasisPoints: 0n }, promptTokens, maxTokens)) } };
    });

  it('more than is left', async () => expect(await others({ maxTokens: 41 })).toBe('plan.signed.plan.maxTokens'));
  it('another sampler', async () => expect(await others({ seed: 8 })).toBe('plan.signed.plan.sampler'));
  it('a prompt that is charged again', async () => expect(await others({}, quoted({ promptToken: '250' }))).toBe('plan.signed.plan.quote.promptToken'));
  it('other rates', async () => expect(await others({}, quoted({ generatedToken: '1001' }))).toBe('plan.signed.plan.quote.generatedToken'));
  it('another fee', async () => expect(await others({}, quoted({ feeBasisPoints: '300' }))).toBe('plan.signed.plan.quote.feeBasisPoints'));
  it('a nonce of the requester', async () => expect(await others({}, planned((plan) => ({ nonces: { ...plan.nonces, requester: plan.nonces.coordinator } })))).toBe('plan.signed.plan.nonces.requester'));
  it('another assurance', async () => expect(await others({ assurance: 'checked' })).toBe('assurance'));

  it('a repetition penalty, which is over the ids of one plan', async () => {
    const sampler: ToyLies = { sampler: (honestly) => ({ ...honestly, repetitionPenalty: 1.1 }) };
    const penalised = await toyEvidence(network, { ...QUESTION, lost: { stage: LOST, after: 18 } }, {}, sampler);
    const next = await goOn(network, QUESTION, penalised, { workers: OTHERS, lies: sampler });
    const { repetition_penalty: _none, ...request } = { repetition_penalty: 1, ...penalised.file.request };
    expect(await namedFor({ ...answerFile([penalised.file, next.file]), request })).toBe('plan.signed.plan.sampler.repetitionPenalty');
  });

  it.each([
    { what: 'not all of them', at: 'prompt_ids', kept: (ids: readonly number[]) => ids.slice(0, 12), before: () => first },
    { what: 'one that was signed for', at: 'prompt_ids[PROMPT + 3]', kept: (ids: readonly number[]) => ids.with(3, otherThan(ids[3])), before: () => first },
    { what: 'the last one, which the last stage signed for', at: 'prompt_ids[PROMPT + 17]', kept: (ids: readonly number[]) => ids.with(17, otherThan(ids[17])), before: () => first },
    { what: 'the last one, which nobody signed for', at: 'earlier[0].token_ids[17]', kept: (ids: readonly number[]) => ids.with(17, otherThan(ids[17])), before: () => unsigned },
  ])('other ids than it gave: $what', async ({ at, kept, before }) => {
    const { file } = before();
    const next = await toyEvidence(network, { ...QUESTION, again: { kept: kept(file.token_ids), workers: OTHERS, free: true } }, { continues: file.job });
    expect(await namedFor(answerFile([file, next.file]))).toBe(at.replace(/PROMPT \+ (\d+)/, (_, n: string) => String(file.prompt_tokens + Number(n))));
  });
});

const otherThan = (id = 0): number => (id + 1) % 50;
