import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { randomSource } from '../support/stage-ring.ts';
import { answerFile, doAgain, evidenceOnly, goOn } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { ToyLies } from '../support/toy-answer.ts';
import type { ToyEvidence } from '../support/toy-evidence.ts';

const SEED = 31;
const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 40 };
/** Workers 0 to 2 hold the stages first; 3 to 5 are spares. */
const OTHERS = [0, 4, 2];
const LAST = [3, 4, 5];

let network: ToyNetwork;
let ports: VerifyPorts;
/** The answer as one job gives it. */
let whole: EvidenceFile;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 3 });
  const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
  ports = { verifySignature, text, coordinatorKey: network.key.publicKey };
  whole = (await toyEvidence(network, QUESTION)).file;
});
afterAll(() => network[Symbol.asyncDispose]());

const recomputing = (): VerifyPorts => ({ ...ports, recompute: new ReferenceRecompute(network.manifest, network.model.path, { signal: new AbortController().signal }) });
const namesOf = (report: Report, state: string): string[] => report.checks.filter((check) => check.state === state).map(({ name }) => name);
const detailOf = (report: Report, name: string): unknown => report.checks.find((check) => check.name === name);
const moved = (stage: number, after: number, lies: ToyLies = {}): Promise<ToyEvidence> => toyEvidence(network, { ...QUESTION, lost: { stage, after } }, {}, lies);
/** From its n-th position of the answer on, a stage passes on something else. */
function lying(at: number, from: number): ToyLies {
  let decoded = 0;
  const { hidden } = network.manifest.architecture;
  return { rows: (stage, rows) => (stage === at && rows.length === hidden && ++decoded > from ? rows.map((value) => value * 1.02) : rows) };
}
const priceOf = (jobs: readonly EvidenceFile[]): bigint => jobs.reduce((sum, { ledger }) => sum + BigInt(ledger.debit), 0n);

describe('an answer that moved', () => {
  it.each([0, 1, 2])('G2, B4, M9: is verified to the last id and unit when stage %i left, and is what one job would have given at the same price', async (stage) => {
    const first = await moved(stage, 20);
    const second = await goOn(network, QUESTION, first, { workers: OTHERS });
    const file = answerFile([first.file, second.file]);
    const report = await verifyAnswer(file, recomputing());
    expect(report.first).toBeNull();
    expect([...first.file.token_ids, ...file.token_ids]).toEqual(whole.token_ids);
    expect([file.text, file.answer_text]).toEqual([whole.text, whole.text]);
    expect(priceOf([first.file, second.file])).toBe(priceOf([whole]));
    expect(first.file.stages[stage]).toMatchObject({ root: null, audit_status: 'unpaid' });
    expect(first.file.ledger.credits[stage]?.status).toBe('void');
    expect(detailOf(report, 'earlier jobs')).toEqual({ name: 'earlier jobs', state: 'ok', detail: 'the answer moved once, with all its ids' });
    expect(detailOf(report, 'job 1 of 2: audit outcome')).toMatchObject({ state: 'not checked', reason: `stage ${stage} is gone` });
    // What only the lost worker could have shown is named; its neighbour's last unit is without its word, so it is not paid.
    const before = `job 1 of 2: stage ${(stage + 2) % 3} acknowledgements`;
    expect(namesOf(report, 'not checked').toSorted()).toEqual([`job 1 of 2: stage ${stage} units`, `job 1 of 2: stage ${stage} root`, before, 'job 1 of 2: audit outcome'].toSorted());
    // The ids are computed again in both jobs, those that the lost stage did not sign for included.
    expect(detailOf(report, 'job 1 of 2: recomputation')).toMatchObject({ detail: expect.stringMatching(/^4 checks hold/) });
    expect(namesOf(report, 'ok')).toEqual(expect.arrayContaining(['job 1 of 2: evidence', 'sampled ids']));
  });

  it('G2: may move several times, also before its stages closed a unit, and is verified each time', async () => {
    const random = randomSource(SEED);
    for (let n = 0; n < 8; n++) {
      const question = { messages: [{ role: 'user', content: n % 2 === 0 ? 'on' : 'hello then the other thin' }], maxTokens: 30, temperature: n % 3 === 0 ? 0 : 0.9, seed: 5 + n };
      const loss = (most: number) => ({ stage: random(3), after: 1 + random(most) });
      const jobs: ToyEvidence[] = [await toyEvidence(network, { ...question, lost: loss(12) })];
      while (jobs.at(-1)?.file.finish_reason === 'moved') {
        const before = jobs.at(-1) as ToyEvidence;
        jobs.push(await goOn(network, question, before, { workers: jobs.length % 2 === 1 ? OTHERS : LAST, ...(jobs.length < 3 ? { lost: loss(6) } : {}) }));
      }
      const [first, ...rest] = jobs.map(({ file }) => file);
      const report = await verifyAnswer(answerFile([first as EvidenceFile, ...rest]), n % 4 === 0 ? recomputing() : ports);
      expect({ n, first: report.first }).toEqual({ n, first: null });
    }
  });

  it('G2: what one plan alone would have drawn otherwise is found by computing every part again', async () => {
    const lies: ToyLies = { drawnWith: (sampler) => ({ ...sampler, seed: 4 }) };
    const question = { ...QUESTION, temperature: 1.5, seed: 3 };
    const first = await toyEvidence(network, { ...question, lost: { stage: 2, after: 20 } }, { undrawn: true }, lies);
    const second = await goOn(network, question, first, { workers: OTHERS }, { undrawn: true });
    const file = answerFile([first.file, second.file]);
    expect((await verifyAnswer(file, ports)).verdict).toBe('verified');
    expect(await verifyAnswer(file, recomputing())).toMatchObject({ verdict: 'failed', first: { at: expect.stringMatching(/^earlier\[0\]\.token_ids\[\d+\]$/) } });
  });

  it('the evidence of one of its jobs alone says what it is a part of', async () => {
    const first = await moved(1, 20);
    const second = await goOn(network, QUESTION, first, { workers: OTHERS });
    const [begun] = answerFile([first.file, second.file]).earlier ?? [];
    expect(detailOf(await verifyAnswer(begun, ports), 'rest of the answer')).toMatchObject({ state: 'not checked', reason: expect.stringContaining(second.file.job) });
    expect(detailOf(await verifyAnswer(evidenceOnly(first.file), ports), 'rest of the answer')).toMatchObject({ state: 'not checked', reason: expect.stringContaining('not recorded yet') });
    const alone = await verifyAnswer(second.file, ports);
    expect([alone.verdict, ...['earlier jobs', 'request', 'prompt text', 'answer text'].map((name) => alone.checks.find((check) => check.name === name)?.state)]).toEqual(['verified', 'not checked', 'not checked', 'not checked', 'not checked']);
    expect(detailOf(alone, 'earlier jobs')).toMatchObject({ reason: `the evidence of job ${first.file.job}, which this one goes on from, is not in the file` });
  });

  it('M9: one that could not go on is paid back', async () => {
    const { file } = await moved(1, 20);
    const back = { ...file, ledger: { ...file.ledger, refunded: file.ledger.debit } };
    expect((await verifyAnswer(back, ports)).first).toBeNull();
  });
});

describe('an answer that moved and was done again (SPEC G2, M7)', () => {
  it('the job that went on failed its audit, and another does it again for no more than its ids', async () => {
    const first = await moved(0, 10);
    const wrong = await goOn(network, QUESTION, first, { workers: OTHERS, lies: lying(1, 6) });
    const right = await doAgain(network, QUESTION, wrong, { workers: [0, 5, 2] });
    const file = answerFile([first.file, wrong.file, right.file]);
    const report = await verifyAnswer(file, recomputing());
    expect(report.first).toBeNull();
    expect([file.text, file.plan.signed.plan.quote.promptToken]).toEqual([whole.text, '0']);
    expect(detailOf(report, 'earlier jobs')).toMatchObject({ detail: 'the answer moved once, with all its ids; 1 earlier answer was done again from the first bad unit on, by other workers' });
    expect(namesOf(report, 'ok')).toContain('job 1 of 3: recomputation');
  });

  it('the job that does it again moved, too', async () => {
    const wrong = await toyEvidence(network, QUESTION, {}, lying(1, 6));
    const again = await doAgain(network, QUESTION, wrong, { workers: OTHERS, lost: { stage: 2, after: 8 } });
    const last = await goOn(network, QUESTION, again, { workers: LAST });
    const file = answerFile([wrong.file, again.file, last.file]);
    const report = await verifyAnswer(file, recomputing());
    expect(report.first).toBeNull();
    expect(file.text).toBe(whole.text);
    expect(namesOf(report, 'ok')).toContain('job 2 of 3: recomputation');
  });

  it('the job that moved failed its audit: what does it again stands, and what went on with it leads nowhere', async () => {
    const wrong = await moved(2, 30, lying(1, 6));
    const dead = await goOn(network, QUESTION, wrong, { workers: OTHERS });
    const right = await doAgain(network, QUESTION, wrong, { workers: OTHERS });
    const both = { ...wrong.file, continued_by: dead.file.job, corrected_by: right.file.job };
    expect((await verifyAnswer(answerFile([both, right.file]), recomputing())).first).toBeNull();
    // The ids of the failed job are in the answer of the branch that was given up, so it does not stand either.
    expect((await verifyAnswer(answerFile([both, dead.file]), ports)).first).toMatchObject({ at: 'earlier[0].stages[1].audit_status', why: expect.stringContaining(right.file.job) });
  });

  it('a checked answer does not stand on the unpaid work of who left', async () => {
    const question = { ...QUESTION, assurance: 'checked' } as const;
    const first = await toyEvidence(network, { ...question, lost: { stage: 1, after: 20 } });
    const second = await goOn(network, question, first, { workers: OTHERS });
    expect((await verifyAnswer(answerFile([first.file, second.file]), ports)).first).toMatchObject({ at: 'earlier[0].stages[1].audit_status' });
    const right = await doAgain(network, question, first, { workers: OTHERS });
    expect((await verifyAnswer(answerFile([{ ...first.file, continued_by: second.file.job }, right.file]), ports)).first).toBeNull();
  });
});
