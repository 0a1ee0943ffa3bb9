import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventsOfJob, evidenceOfAnswer, idsOfAnswer } from '../support/answer-jobs.ts';
import { openChangingNetwork } from '../support/changing-network.ts';
import { breakNextFrame, brokenFrames, readyFrameFaults } from '../support/frame-faults.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { askNetwork } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import type { ChangingNetwork } from '../support/changing-network.ts';
import type { FrameFault } from '../support/frame-faults.ts';

const STAGES = 3;
/** Those that take over: the two ends of a refused frame both keep out of the answer (SPEC G9). */
const SPARES = 2;
/** Its answer is as long as its vector and says nothing twice: every lap is one row, whose frame is one slice. */
const QUESTION = greedyVector('json');
/** Its prompt is of many chunks, which follow each other closely. */
const LONG = { ...greedyVector('long'), tokens: 8 };
const PLAIN = greedyVector('plain question');
const MIDDLE = 6;
const EVENTS_TIMEOUT_MS = 60_000;

const browser = await browserHere();
let network: ChangingNetwork;

/** Where a frame goes wrong: after so many pieces of the answer, or while the prompt is read. */
const FAULTS: readonly { readonly fault: FrameFault; readonly code: string; readonly vector: Pick<typeof QUESTION, 'messages' | 'outputIds'>; readonly maxTokens: number; readonly after: number }[] = [
  { fault: 'corrupt', code: 'bad-values', vector: QUESTION, maxTokens: QUESTION.outputIds.length, after: MIDDLE },
  { fault: 'duplicate', code: 'stale-cache', vector: QUESTION, maxTokens: QUESTION.outputIds.length, after: MIDDLE },
  { fault: 'reorder', code: 'stale-cache', vector: LONG, maxTokens: LONG.tokens, after: 0 },
];

describe('frames that go wrong on a real data channel', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openChangingNetwork(browser, { stages: STAGES, spares: SPARES, prepare: readyFrameFaults });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network.tabs);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it.each(FAULTS)('F3, G9: a row frame that is $fault is refused as $code; its answer goes on unchanged without the two ends, who are named, and serve the next', async ({ fault, code, vector, maxTokens, after }) => {
    const { coordinator, tabs } = network;
    const { ring } = await tabs.ready(STAGES, SPARES);
    const [sender, receiver] = ring;
    if (sender === undefined || receiver === undefined) throw new Error('there is no first or second stage');
    let pieces = 0;
    const breakIt = (): Promise<void> => breakNextFrame(sender.tab.page, fault);
    if (after === 0) await breakIt();
    const answer = await askNetwork(coordinator, { messages: vector.messages, maxTokens, onText: () => (++pieces === after ? breakIt() : undefined) });
    if (!answer.ok) throw new Error(`no answer: ${JSON.stringify(answer.error)}`);
    expect(await brokenFrames(sender.tab.page)).toBeGreaterThan(0);
    const jobs = await evidenceOfAnswer(coordinator, answer.job);
    expect(idsOfAnswer(jobs)).toEqual(vector.outputIds.slice(0, maxTokens));

    const last = jobs.at(-1);
    // Before its first id the answer is one job, under the next plan version (SPEC G1).
    expect([jobs.length, last?.plan.version]).toEqual(after === 0 ? [1, 2] : [2, 1]);
    const ends = [sender, receiver].map(({ status }) => status.node_id);
    expect(last?.stages.filter(({ worker }) => ends.includes(worker))).toEqual([]);
    if (last !== undefined) expect(await faultsOf(last)).toEqual([]);
    if (after > 0) {
      const events = await eventsOfJob(coordinator, answer.job, 'moved', AbortSignal.timeout(EVENTS_TIMEOUT_MS));
      for (const named of [code, ...ends]) expect(JSON.stringify(events.at(-1))).toContain(named);
    }

    // Who was kept out of one answer serves the next.
    const next = await askNetwork(coordinator, { messages: PLAIN.messages, maxTokens: PLAIN.outputIds.length });
    expect(next).toMatchObject({ ok: true });
    expect(idsOfAnswer(await evidenceOfAnswer(coordinator, next.job ?? ''))).toEqual(PLAIN.outputIds);
  });
});
