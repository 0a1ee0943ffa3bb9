import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserStatus } from '../support/browser-status.ts';
import { hasWebGpu, NO_WEBGPU } from '../support/browser-webgpu.ts';
import { engineLost, openFaultyNetwork, workersOf } from '../support/lost-engine.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import type { ChangingNetwork } from '../support/changing-network.ts';

const browser = await browserHere();
/**
 * The software adapter takes a minute of a core to compile and qualify in each tab, and 5 to 7 s a token, so one tab has all layers and answers are cut. `npm run bench -- equality`
 * has every prompt over three tabs, mixed-engines a ring in which rows go to and from a graphics device.
 */
const TOKENS = 5;
/** Pieces of text after which the device is lost. */
const BEGUN = 2;
/** One short prompt of three chunks, for the same reason. */
const { messages, outputIds } = greedyVector('list');
const wanted = outputIds.slice(0, TOKENS);
const TIMEOUT_MS = 1_200_000;

let network: ChangingNetwork;

describe('a tab that computes every layer on WebGPU', { timeout: TIMEOUT_MS }, () => {
  const gpu = browser !== undefined && hasWebGpu(browser);
  beforeAll(async () => {
    if (browser !== undefined && (await gpu)) network = await openFaultyNetwork(browser, { stages: 1, spares: 0, engines: ['webgpu'] });
  }, TIMEOUT_MS);
  beforeEach(async (test) => {
    needBrowser(test, browser);
    if (!(await gpu)) test.skip(NO_WEBGPU);
    reportPages(test, network.tabs);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it('answers token for token as the unsharded model', async () => {
    await network.tabs.ready(1, 0);
    const { evidence } = await answerOf(network.coordinator, { messages, maxTokens: TOKENS });
    expect(evidence.token_ids).toEqual(wanted);
    expect(evidence.stages.map(({ engine, layers }) => `${engine} ${layers.join()}`)).toEqual(['webgpu 0,30']);
    expect(await faultsOf(evidence)).toEqual([]);
  });

  it('G4: goes on with its answer, unchanged, when it loses its graphics device', async () => {
    const { ring: [failing] } = await network.tabs.ready(1, 0);
    if (failing === undefined) throw new Error('no tab computes');
    const [first, second] = await engineLost(network, { failing, fault: 'device-lost', vector: { messages, outputIds: wanted }, after: BEGUN });
    expect(workersOf(second)).toEqual(workersOf(first));
    const { engine, bytes } = await browserStatus(failing.tab.page);
    expect([engine, bytes.downloaded]).toEqual(['webgpu', 0]);
  });
});
