import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { eventsOfJob, evidenceOfAnswer, firstWrongOfAnswer, idsOfAnswer } from '../support/answer-jobs.ts';
import { askAndDisturb } from '../support/lost-tab.ts';
import { openChangingNetwork } from '../support/changing-network.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { balanceOf } from '../support/network-account.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { ChangingNetwork } from '../support/changing-network.ts';
import type { TabDeath } from '../support/tab-death.ts';
import type { SeenTabs } from '../support/volunteer-tabs.ts';

const STAGES = 3;
/** It stands by with the layers of one stage; those of another it loads when they are lost. */
const SPARES = 1;
/** Its answer is as long as its vector and says nothing twice: no drafts (SPEC E5) shorten it. */
const QUESTION = greedyVector('json');
const PLAIN = greedyVector('plain question');
/** Pieces of text after which its tab is lost: the rest takes a second, in which a page surely closes. */
const MIDDLE = 6;
/** Its prompt takes the ring seconds: it is lost before the first id. */
const LONG = greedyVector('long');
/** A stage that nobody can supply is decided when the pieces of the others were waited for. */
const DECIDED_TIMEOUT_MS = 60_000;

/** One way to go for each stage, not every way for every stage: each takes twenty seconds. */
const LOSSES: readonly { readonly death: TabDeath; readonly stage: number; readonly of: string }[] = [
  { death: 'closed', stage: 1, of: 'the middle stage' },
  { death: 'crashed', stage: 0, of: 'the first stage' },
  { death: 'frozen', stage: 2, of: 'the last stage' },
  { death: 'cut', stage: 1, of: 'the middle stage' },
];

const browser = await browserHere();
let network: ChangingNetwork;
/** Stages that alone computed the history again, for each loss: none where those that stayed took long to post their roots. */
const rebuilt: (number | undefined)[] = [];

/** The ring with its spare, also after a test that lost one of its tabs. */
async function wholeRing({ tabs }: ChangingNetwork): Promise<SeenTabs> {
  await tabs.clear();
  const { ring, spares } = await tabs.see();
  for (let here = ring.length + spares.length; here < STAGES + SPARES; here++) await tabs.open();
  return tabs.ready(STAGES, SPARES);
}

/** What all jobs of an answer cost, less what went back. */
const paidFor = (jobs: readonly Evidence[]): bigint => jobs.reduce((sum, { ledger: { debit, refunded } }) => sum + BigInt(debit) - BigInt(refunded), 0n);

describe('an answer whose ring loses a tab', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openChangingNetwork(browser, { stages: STAGES, spares: SPARES });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network.tabs);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it.each(LOSSES)('G2, G3, M9: goes on unchanged, at the price of one, when the tab of $of is $death', async ({ death, stage }) => {
    const { coordinator, tabs } = network;
    const { ring, spares } = await wholeRing(network);
    const lost = ring[stage];
    if (lost === undefined) throw new Error(`there is no stage ${stage}`);
    const before = await balanceOf(coordinator);
    const { answer, movingAt } = await askAndDisturb(coordinator, { messages: QUESTION.messages, maxTokens: QUESTION.outputIds.length }, MIDDLE, () => tabs.lose(lost.tab, death));
    expect(answer).toMatchObject({ ok: true, finish: 'length', completionTokens: QUESTION.outputIds.length });
    if (!answer.ok) throw new Error('no answer');
    expect(movingAt).toBeDefined();

    const jobs = await evidenceOfAnswer(coordinator, answer.job);
    const [first, second] = jobs;
    expect(idsOfAnswer(jobs)).toEqual(QUESTION.outputIds);
    expect(jobs.map(({ finish_reason: reason }) => reason)).toEqual(['moved', 'length']);
    expect(second).toMatchObject({ continues: first.job, continued_by: null, prompt_ids: [...first.prompt_ids, ...first.token_ids] });
    expect((await eventsOfJob(coordinator, first.job, 'moved', AbortSignal.timeout(DECIDED_TIMEOUT_MS))).at(-1)).toMatchObject({ type: 'moved', job: second?.job, from_position: first.prompt_tokens + first.token_ids.length - 1 });
    expect(second?.stages.map(({ worker }) => worker)).not.toContain(lost.status.node_id);
    // The spare holds the layers from then on.
    if (death === 'closed') expect(second?.stages[stage]?.worker).toBe(spares[0]?.status.node_id);
    const { prefix } = second?.plan.signed.plan ?? {};
    rebuilt.push(prefix?.rebuilds);
    if (prefix !== undefined) expect(prefix).toMatchObject({ job: first.job, planHash: first.plan.hash, rebuilds: stage });

    expect(await faultsOf(first, stage)).toEqual([]);
    for (const job of jobs.slice(1)) expect(await faultsOf(job)).toEqual([]);
    expect(await firstWrongOfAnswer(jobs, QUESTION, answer.text)).toBeNull();

    expect(jobs.reduce((sum, { ledger }) => sum + BigInt(ledger.debit), 0n)).toBe(price(LAUNCH_RATES, first.prompt_tokens, QUESTION.outputIds.length));
    await expect.poll(async () => (await evidenceOfAnswer(coordinator, first.job))[0].stages[stage]?.audit_status, { timeout: DECIDED_TIMEOUT_MS }).toBe('unpaid');
    // What the lost tab had been promised before it left goes back to the requester.
    await expect.poll(async () => before - (await balanceOf(coordinator)) - paidFor(await evidenceOfAnswer(coordinator, first.job))).toBe(0n);
    const credit = (await evidenceOfAnswer(coordinator, first.job))[0].ledger.credits[stage];
    expect(credit?.amount === '0' || credit?.status === 'void').toBe(true);

    const next = await answerOf(coordinator, { messages: PLAIN.messages, maxTokens: PLAIN.outputIds.length });
    expect(next.evidence.token_ids).toEqual(PLAIN.outputIds);
    expect(next.evidence.stages.map(({ worker }) => worker)).not.toContain(lost.status.node_id);
    if (death === 'closed') expect(next.evidence.stages[stage]?.worker).toBe(spares[0]?.status.node_id);
  });

  it('V9: had its history computed again by the new tab alone', () => {
    console.info(`stages that were rebuilt: ${rebuilt.join(', ')}`);
    expect(rebuilt.some((stage) => stage !== undefined)).toBe(true);
  });

  it('G1: is begun again under the next plan version when that happens before its first id', async () => {
    const { coordinator, tabs } = network;
    const { ring } = await wholeRing(network);
    const [, lost] = ring;
    if (lost === undefined) throw new Error('there is no middle stage');
    let gone: Promise<void> | undefined;
    const { evidence } = await answerOf(coordinator, { messages: LONG.messages, maxTokens: LONG.outputIds.length, onStarted: () => void (gone = tabs.lose(lost.tab, 'closed')) });
    await gone;
    expect(evidence.token_ids).toEqual(LONG.outputIds);
    expect(evidence).toMatchObject({ continues: null, continued_by: null, plan: { version: 2 } });
    expect(evidence.stages.map(({ worker }) => worker)).not.toContain(lost.status.node_id);
    expect(await faultsOf(evidence)).toEqual([]);
  });
});
