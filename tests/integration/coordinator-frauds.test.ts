import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { receiptBytes } from '@ciro/core/receipt/receipt.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { creditsOf, tellCredits, watchCredits } from '../support/ring-credits.ts';
import { randomSource, StageRing } from '../support/stage-ring.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import { LedgerShow } from '../support/two-ledgers.ts';
import { TOY } from '../support/toy-model.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { CreditLies } from '../support/ring-credits.ts';

/*
 * The coordinator as suspect (SPEC B1 to B4): frauds that it can commit against stock clients. Each is seen by what the requester
 * (verify) or a worker (credit book, head watch) holds, and its honest twin raises nothing. That an honest answer is verified
 * whatever its form is in verify-answer.test.ts.
 */

describe('a requester that was lied to', () => {
  let network: ToyNetwork;
  let ports: VerifyPorts;
  const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 12, temperature: 0.9, seed: 11 };

  beforeAll(async () => {
    network = await ToyNetwork.open({ seed: 9, stages: 2 });
    const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
    ports = { verifySignature, text, coordinatorKey: network.key.publicKey };
  });
  afterAll(() => network[Symbol.asyncDispose]());

  const verify = (file: EvidenceFile): Promise<Report> => verifyAnswer(file, ports);
  /** What the client keeps of its own, beside the evidence of another job. */
  const asked = ({ request, answer_text: shown }: EvidenceFile): Partial<EvidenceFile> => ({ ...(request === undefined ? {} : { request }), ...(shown === undefined ? {} : { answer_text: shown }) });

  it('the honest twin of all of these is verified', async () => {
    expect((await verify((await toyEvidence(network, QUESTION)).file)).first).toBeNull();
  });

  it('swapped answer: the coordinator streams other text than the model gave, and writes it into the evidence', async () => {
    const { file } = await toyEvidence(network, QUESTION);
    const swapped = `${file.text.slice(0, 3)} and buy our coin`;
    expect((await verify({ ...file, text: swapped, answer_text: swapped })).first).toMatchObject({ at: 'text', why: 'text of the ids of the answer' });
    expect((await verify({ ...file, answer_text: swapped })).first).toMatchObject({ at: 'text', expected: swapped });
  });

  it('swapped answer: with ids that give the other text', async () => {
    const { file } = await toyEvidence(network, QUESTION);
    const ids = file.token_ids.map((id, index) => (index === 4 ? (id + 1) % 200 : id));
    const text = network.model.tokenizer.decode(ids);
    expect((await verify({ ...file, token_ids: ids, text, answer_text: text })).first?.at).toMatch(/^token_ids\[/);
  });

  it('swapped answer: with units of the last stage that the coordinator signs itself', async () => {
    const { file, job } = await toyEvidence(network, QUESTION);
    const unit = job.record.stages[1]?.units[0];
    if (unit === undefined) throw new Error('no unit');
    const body = { ...unit.receipt.body, linkHash: unit.receipt.body.inputHash };
    const receipt = { body, signature: await network.key.sign(receiptBytes(body)) };
    const stages = file.stages.map((stage, index) => (index === 1 ? { ...stage, units: stage.units.map((each, number) => (number === 0 ? { ...each, link_sha256: body.linkHash } : each)), receipts: stage.receipts.map((each) => (each.kind === 'receipt' && each.unit === 0 ? { ...each, receipt } : each)) } : stage));
    expect((await verify({ ...file, stages })).first?.at).toBe('stages[1].receipts[0].receipt.signature');
  });

  it('swapped answer: evidence of somebody else\'s job, which is honest in itself', async () => {
    const mine = (await toyEvidence(network, QUESTION)).file;
    const other = (await toyEvidence(network, { ...QUESTION, messages: [{ role: 'user', content: 'here' }] })).file;
    expect((await verify(other)).verdict).toBe('verified');
    expect((await verify({ ...other, ...asked(mine) })).first?.at).toBe('plan.signed.plan.nonces.requester');
  });

  it('forged prompt: the workers were given other words than the client sent, before or behind them', async () => {
    for (const inject of [(ids: readonly number[]) => [...ids.slice(0, 4), 77, ...ids.slice(4)], (ids: readonly number[]) => ids.slice(0, -3), (ids: readonly number[]) => [...network.model.tokenizer.encode('say yes'), ...ids]]) {
      const { file } = await toyEvidence(network, QUESTION, {}, { promptIds: inject });
      const report = await verify(file);
      expect(report.first?.at).toMatch(/^prompt_ids\[\d+\]$/);
      expect(report.checks.find(({ name }) => name === 'hash chain')?.state).toBe('ok');
    }
  });

  it('forged prompt: the evidence shows the client\'s prompt, the plan another', async () => {
    const honest = (await toyEvidence(network, QUESTION)).file;
    const forged = (await toyEvidence(network, QUESTION, {}, { promptIds: (ids) => ids.map((id, index) => (index === 6 ? 77 : id)) })).file;
    expect((await verify({ ...forged, prompt_ids: honest.prompt_ids })).first).toMatchObject({ at: 'prompt_ids' });
  });

  it('another sampler, length or assurance than was asked for', async () => {
    const cases = [
      [(await toyEvidence(network, QUESTION, {}, { sampler: (sampler) => ({ ...sampler, seed: 12 }) })).file, 'plan.signed.plan.sampler.seed'],
      [(await toyEvidence(network, QUESTION, {}, { sampler: (sampler) => ({ ...sampler, temperature: 0 }) })).file, 'plan.signed.plan.sampler.temperature'],
    ] as const;
    for (const [file, at] of cases) expect((await verify(file)).first?.at).toBe(at);
    const { file } = await toyEvidence(network, { ...QUESTION, maxTokens: 6 });
    const longer = { ...file.request, messages: file.request?.messages ?? [], max_tokens: 12 };
    expect((await verify({ ...file, request: longer })).first?.at).toBe('plan.signed.plan.maxTokens');
  });

  it('a price that the signed quote does not give, and an entry that books something else', async () => {
    const { file } = await toyEvidence(network, QUESTION);
    const dearer = { ...file.ledger, debit: String(BigInt(file.ledger.debit) + 10n), fee: String(BigInt(file.ledger.fee) + 10n) };
    expect((await verify({ ...file, ledger: dearer })).first?.at).toBe('ledger.debit');
    const lines = file.ledger.entry.lines.map((line) => (line.account === 'fee' ? { ...line, amount: String(BigInt(line.amount) + 10n) } : line));
    expect((await verify({ ...file, ledger: { ...file.ledger, entry: { ...file.ledger.entry, lines } } })).first?.at).toMatch(/^ledger\.entry\.lines\[\d\]\.amount$/);
  });

  it('dropped receipt: work that is left out of the evidence (SPEC B4)', async () => {
    const { file } = await toyEvidence(network, QUESTION);
    const stages = file.stages.map((stage, index) => (index === 0 ? { ...stage, units: stage.units.slice(0, -1), receipts: stage.receipts.slice(0, -2), paid_positions: 16 } : stage));
    expect((await verify({ ...file, stages })).first?.at).toMatch(/^stages\[0\]\.units\[\d\]$/);
  });
});

describe('a worker that is paid less', () => {
  const SEED = 4_711;
  const quoted = (plan: JobPlan): JobPlan => ({ ...plan, quote: { promptToken: '250000000000000000', generatedToken: '1000000000000000000', feeBasisPoints: '250', hold: '9'.repeat(21) } });

  /** Runs one job over a ring of stock pipelines and tells the workers their credit; gives what they say to it. */
  async function alarmsOf(ring: StageRing, watched: ReturnType<typeof watchCredits>, random: (below: number) => number, lies: CreditLies = {}): Promise<string[]> {
    const prompt = Array.from({ length: 1 + random(40) }, () => random(TOY.vocabulary));
    const maxTokens = 2 + random(24);
    const job = await ring.start(await ring.plan(prompt, maxTokens, quoted));
    const stopAt = random(3) === 0 ? 1 + random(maxTokens - 1) : Infinity;
    ring.onToken = (running) => void (running === job && running.ids.length === stopAt && ring.finish(running));
    await job.over;
    await ring.settled();
    const credits = await creditsOf(ring, job, lies);
    await tellCredits(ring, watched.books, credits);
    return watched.alarms.splice(0).map((alarm) => alarm.kind);
  }

  it('hears of no alarm over honest jobs, cut short or not, in rings of 1 to 4 stages', async () => {
    process.stdout.write(`honest credits from seed ${SEED}\n`);
    const random = randomSource(SEED);
    let told = 0;
    for (const stages of [1, 2, 3, 4]) {
      const ring = await StageRing.make({ stages, seed: SEED + stages });
      const watched = watchCredits(ring);
      for (let n = 0; n < 12; n++) {
        expect({ stages, n, alarms: await alarmsOf(ring, watched, random) }).toEqual({ stages, n, alarms: [] });
        told += stages;
      }
    }
    expect(told).toBe(120);
  });

  it('dropped receipt: the worker whose unit the coordinator says was not acknowledged holds the acknowledgement (SPEC B3)', async () => {
    const random = randomSource(SEED + 1);
    const ring = await StageRing.make({ stages: 3, seed: SEED });
    const watched = watchCredits(ring);
    // The last stage's neighbour is stage 0, the others' the next one.
    for (const victim of [0, 1]) expect(await alarmsOf(ring, watched, random, { sees: (stage, unit) => !(stage === victim && unit === 0) })).toEqual(['dropped-receipt']);
  });

  it('underpaid: one base unit less, fewer tokens, or fewer positions than were accepted (SPEC B3)', async () => {
    const random = randomSource(SEED + 2);
    const ring = await StageRing.make({ stages: 3, seed: SEED });
    const watched = watchCredits(ring);
    expect(await alarmsOf(ring, watched, random, { credit: (credit, stage) => (stage === 1 ? { ...credit, amount: String(BigInt(credit.amount) - 1n) } : credit) })).toEqual(['underpaid']);
    expect(await alarmsOf(ring, watched, random, { credit: (credit) => ({ ...credit, generatedTokens: credit.generatedTokens - 1 }) })).toEqual(['underpaid', 'underpaid', 'underpaid']);
    expect(await alarmsOf(ring, watched, random, { credit: (credit, stage) => (stage === 2 ? { ...credit, paidPositions: credit.paidPositions - 1 } : credit) })).toEqual(['dropped-receipt']);
  });

  it('more than is due is no alarm', async () => {
    const ring = await StageRing.make({ stages: 2, seed: SEED });
    expect(await alarmsOf(ring, watchCredits(ring), randomSource(SEED + 3), { credit: (credit) => ({ ...credit, amount: String(BigInt(credit.amount) + 5n) }) })).toEqual([]);
  });
});

describe('forked ledger', () => {
  const book = async (ledger: Awaited<ReturnType<LedgerShow['newLedger']>>, account: string): Promise<void> => void (await ledger.openTrial(account));

  it('one ledger raises no alarm, whoever hears of which entry first (SPEC B1)', async () => {
    const show = await LedgerShow.open(3);
    const random = randomSource(33);
    const [first] = show.tabs;
    if (first === undefined) throw new Error('no tab');
    for (let entry = 0; entry < 40; entry++) {
      await book(first.shown.ledger, `account${entry}`);
      for (const tab of show.tabs) if (random(2) === 0) await show.publish(tab);
      await show.settled();
      show.minute();
    }
    expect(show.tabs.flatMap(({ alarms, refusals }) => [...alarms, ...refusals])).toEqual([]);
  });

  it('two hashes for one entry are proof as soon as two tabs talk to each other (SPEC B2)', async () => {
    const show = await LedgerShow.open(2);
    const [a, b] = show.tabs;
    if (a === undefined || b === undefined) throw new Error('no tabs');
    b.shown.ledger = await show.newLedger();
    await book(a.shown.ledger, 'ada');
    await book(b.shown.ledger, 'bob');
    await show.publish(a);
    await show.publish(b);
    await show.settled();
    expect([...a.alarms, ...b.alarms].map(({ kind }) => kind)).toContain('forked-ledger');
  });

  it('a longer second ledger is found when its links are asked for (SPEC B2)', async () => {
    const show = await LedgerShow.open(2);
    const [a, b] = show.tabs;
    if (a === undefined || b === undefined) throw new Error('no tabs');
    b.shown.ledger = await show.newLedger();
    for (const account of ['ada', 'eve', 'joe']) await book(a.shown.ledger, account);
    for (const account of ['bob', 'mia', 'tom', 'kim', 'lea']) await book(b.shown.ledger, account);
    await show.publish(a);
    show.minute();
    await show.publish(b);
    await show.settled();
    const alarms = [...a.alarms, ...b.alarms];
    expect(alarms.map(({ kind }) => kind)).toContain('forked-ledger');
    for (const alarm of alarms) {
      if (alarm.kind !== 'forked-ledger') continue;
      const [one, other] = alarm.proof.heads;
      expect(one.body.sequence).not.toBe(other.body.sequence);
    }
  });
});

