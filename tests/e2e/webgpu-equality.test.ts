import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserStatus } from '../support/browser-status.ts';
import { hasWebGpu, NO_WEBGPU } from '../support/browser-webgpu.ts';
import { engineLost, openFaultyNetwork, workersOf } from '../support/lost-engine.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { ChangingNetwork } from '../support/changing-network.ts';

const browser = await browserHere();
/** Several chunks of prompt. */
const QUESTION = { messages: [{ role: 'user', content: 'the hello in the other '.repeat(8) }], maxTokens: 16 } as const;
/** Pieces of text after which the device is lost. */
const BEGUN = 4;
const TIMEOUT_MS = 600_000;

let network: ChangingNetwork;
let undisturbed: Evidence;

/**
 * On a seeded model, and in one tab: a software adapter takes the better part of a minute of a core to compile and qualify in each tab, and 5 to 7 s a token of the real model.
 * mixed-engines has a stage of that one on WebGPU, whose rows come from and go to others; `npm run bench -- equality` has every prompt over three such tabs.
 */
describe('a tab that computes a whole model on WebGPU', { timeout: TIMEOUT_MS }, () => {
  let gpu = false;
  beforeAll(async () => {
    gpu = browser !== undefined && (await hasWebGpu(browser));
    if (browser !== undefined && gpu) network = await openFaultyNetwork(browser, { stages: 1, spares: 0, engines: ['webgpu'], seeded: true, maxDrafts: 0 });
  }, TIMEOUT_MS);
  beforeEach((test) => {
    needBrowser(test, browser);
    if (!gpu) test.skip(NO_WEBGPU);
    reportPages(test, network.tabs);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it('G4: goes on with its answer, unchanged, when it loses its graphics device', async () => {
    const { ring: [failing] } = await network.tabs.ready(1, 0);
    if (failing === undefined) throw new Error('no tab computes');
    ({ evidence: undisturbed } = await answerOf(network.coordinator, QUESTION));
    expect(undisturbed.stages.map(({ engine }) => engine)).toEqual(['webgpu']);
    expect(undisturbed.token_ids).toHaveLength(QUESTION.maxTokens);
    expect(await faultsOf(undisturbed)).toEqual([]);
    const [first, second] = await engineLost(network, { failing, fault: 'device-lost', vector: { messages: QUESTION.messages, outputIds: undisturbed.token_ids }, after: BEGUN });
    expect(workersOf(second)).toEqual(workersOf(first));
    const { engine, bytes } = await browserStatus(failing.tab.page);
    expect([engine, bytes.downloaded]).toEqual(['webgpu', 0]);
  });

  it('answers token for token as a tab does that computes it on WASM', async () => {
    const { ring: [onGpu] } = await network.tabs.ready(1, 0);
    if (onGpu === undefined) throw new Error('no tab computes');
    await network.tabs.lose(onGpu.tab, 'closed');
    await network.tabs.open('wasm');
    await network.tabs.ready(1, 0);
    const { evidence } = await answerOf(network.coordinator, QUESTION);
    expect(evidence.stages.map(({ engine }) => engine)).toEqual(['wasm']);
    expect(evidence.token_ids).toEqual(undisturbed.token_ids);
  });
});
