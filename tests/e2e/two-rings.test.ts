import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evidenceOfAnswer, idsOfAnswer } from '../support/answer-jobs.ts';
import { browserStatus } from '../support/browser-status.ts';
import { askAndDisturb } from '../support/lost-tab.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf, askNetwork } from '../support/network-question.ts';
import { openSeededNetwork } from '../support/seeded-network.ts';
import type { RingStatus } from '@ciro/signaling/scheduler/ring.ts';
import type { SeededNetwork } from '../support/seeded-network.ts';

const STAGES = 2;
/** Two stages and two spares of the first ring, two stages and one spare of the second. */
const VOLUNTEERS = 7;
const QUESTION = { messages: [{ role: 'user', content: 'the hello in the other' }], maxTokens: 32 };
/** So long that a page has closed before it is over; a stop id comes after 253. */
const LONG = { ...QUESTION, maxTokens: 200 };
/** Pieces of text after which an answer surely runs, and is nearly whole still. */
const BEGUN = 6;
/** Seven tabs load layers on two shared cores. */
const READY_TIMEOUT_MS = 240_000;

const browser = await browserHere();
let network: SeededNetwork;

const rings = (): readonly RingStatus[] => network.coordinator.status().rings;
const workersOf = ({ stages }: RingStatus): string[] => stages.map(({ worker }) => worker ?? '');

describe('seven tabs make two rings', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openSeededNetwork(browser, { stages: STAGES, volunteers: VOLUNTEERS });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it('P5: that answer two questions at the same time, over no tab in common and with the same ids', async () => {
    await expect.poll(() => rings().filter(({ ready, standby }) => ready && standby > 0).length, { timeout: READY_TIMEOUT_MS }).toBe(2);
    const answers = await Promise.all([QUESTION, QUESTION].map((question) => answerOf(network.coordinator, question)));
    const workers = answers.map(({ evidence }) => evidence.stages.map(({ worker }) => worker));
    expect(workers.toSorted()).toEqual(rings().map(workersOf).toSorted());
    expect(new Set(workers.flat()).size).toBe(2 * STAGES);
    for (const { evidence } of answers) expect([evidence.token_ids.length, await faultsOf(evidence)]).toEqual([QUESTION.maxTokens, []]);
    expect(answers[0]?.evidence.token_ids).toEqual(answers[1]?.evidence.token_ids);
  });

  it('G10: and when a tab of one is closed, its answer goes on and that of the other hears nothing of it', async () => {
    const [, further] = rings().map(workersOf);
    const seen = await Promise.all(network.pages.map(async (page) => ({ page, worker: (await browserStatus(page)).node_id })));
    const lost = seen.find(({ worker }) => worker === further?.[1]);
    const other = askNetwork(network.coordinator, LONG);
    const { answer } = await askAndDisturb(network.coordinator, LONG, BEGUN, async () => lost?.page.close());
    const jobs = await Promise.all([answer, await other].map((each) => {
      expect(each).toMatchObject({ ok: true, finish: 'length', completionTokens: LONG.maxTokens });
      return evidenceOfAnswer(network.coordinator, each.job ?? '');
    }));
    expect(jobs.map((parts) => parts.map(({ finish_reason: reason }) => reason).join()).toSorted()).toEqual(['length', 'moved,length']);
    const moved = jobs.find((parts) => parts.length > 1);
    expect(moved?.[0].stages.map(({ worker }) => worker)).toEqual(further);
    expect(moved?.[1]?.stages.map(({ worker }) => worker)).not.toContain(lost?.worker);
    // Up to there the ids are those of the other; what is prefilled anew may turn one that is ambiguous (SPEC G2).
    const stayed = jobs.find((parts) => parts.length === 1);
    const ids = moved?.[0].token_ids ?? [];
    expect(ids.length).toBeGreaterThan(0);
    expect(stayed?.[0].token_ids.slice(0, ids.length)).toEqual(ids);
    for (const parts of jobs) expect(idsOfAnswer(parts)).toHaveLength(LONG.maxTokens);
  });
});
