import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserStatus } from '../support/browser-status.ts';
import { engineLost, openFaultyNetwork, workersOf } from '../support/lost-engine.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import type { Page } from 'playwright-core';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { ChangingNetwork } from '../support/changing-network.ts';
import type { PageFault } from '../support/faulty-page/fault-flag.ts';

const STAGES = 3;
/** Its answer is as long as its vector and says nothing twice: no drafts (SPEC E5) shorten it. */
const QUESTION = greedyVector('json');
const PLAIN = greedyVector('plain question');
/** Pieces of text after which the engine fails. */
const MIDDLE = 6;

const FAULTS: readonly { readonly fault: PageFault; readonly stage: number; readonly what: string }[] = [
  { fault: 'hang', stage: 1, what: 'the middle stage hangs and blocks its thread' },
  { fault: 'stand', stage: 0, what: 'the first stage stands still' },
  { fault: 'out-of-memory', stage: 2, what: 'the last stage is given no more memory' },
];

const browser = await browserHere();
let network: ChangingNetwork;

const loadedAt = (page: Page): Promise<number> => page.evaluate('performance.timeOrigin');

describe('an answer whose ring loses an engine', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openFaultyNetwork(browser, { stages: STAGES, spares: 0 });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network.tabs);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it.each(FAULTS)('G4, G2: goes on unchanged over the same tabs when $what; that tab is not reloaded and downloads nothing again', async ({ fault, stage }) => {
    const { coordinator, tabs } = network;
    const { ring } = await tabs.ready(STAGES, 0);
    const failing = ring[stage];
    if (failing === undefined) throw new Error(`there is no stage ${stage}`);
    const opened = await loadedAt(failing.tab.page);
    const [first, second] = await engineLost(network, { failing, fault, vector: QUESTION, after: MIDDLE });
    expect(workersOf(second)).toEqual(workersOf(first));
    expect(await faultsOf(first as Evidence, stage)).toEqual([]);
    expect(await faultsOf(second as Evidence)).toEqual([]);

    expect(await loadedAt(failing.tab.page)).toBe(opened);
    const { bytes, layers } = await browserStatus(failing.tab.page);
    expect(bytes.downloaded).toBe(0);
    expect(bytes.cached).toBeGreaterThan(0);
    expect(layers).toEqual(failing.status.layers);
    const next = await answerOf(coordinator, { messages: PLAIN.messages, maxTokens: PLAIN.outputIds.length });
    expect(next.evidence.token_ids).toEqual(PLAIN.outputIds);
    expect(workersOf(next.evidence)).toEqual(workersOf(first));
    expect(await faultsOf(next.evidence)).toEqual([]);
  });

  it('G4, G2: goes on over a spare where there is one, and the tab that lost its engine stands by from then on', async () => {
    const { tabs } = network;
    await tabs.open();
    const { ring, spares } = await tabs.ready(STAGES, 1);
    const [, middle] = ring;
    if (middle === undefined) throw new Error('there is no middle stage');
    const [, second] = await engineLost(network, { failing: middle, fault: 'hang', vector: QUESTION, after: MIDDLE });
    expect(workersOf(second)?.[1]).toBe(spares[0]?.status.node_id);
    const after = await tabs.ready(STAGES, 1);
    expect(after.spares.map(({ status }) => status.node_id)).toEqual([middle.status.node_id]);
  });
});
