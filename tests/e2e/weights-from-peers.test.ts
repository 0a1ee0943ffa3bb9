import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserStatus, isStandingBy } from '../support/browser-status.ts';
import { openLateTab } from '../support/late-tab.ts';
import { browserHere, needBrowser } from '../support/network.ts';
import { answerOf } from '../support/network-question.ts';
import { openWeightsNetwork } from '../support/weights-network.ts';
import type { Page } from 'playwright-core';
import type { BrowserStatus } from '../support/browser-status.ts';
import type { WeightsNetwork } from '../support/weights-network.ts';

/** All of the model takes three minutes at this speed; neighbours on cores that others use, too, give several times as much. */
const SLOW_MEGABITS_PER_SECOND = 2;
const QUESTION = { messages: [{ role: 'user', content: 'hello the other one' }], maxTokens: 6 };

/** Changes one byte of every full slice that the page sends to a neighbour. The network has one stage, so that there are no rows. */
const CORRUPT = `{
  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (slice) {
    if (slice.byteLength === 4600 && globalThis.corrupting) { slice = slice.slice(); slice[2000] ^= 1; }
    return send.call(this, slice);
  };
}`;

const browser = await browserHere();
let network: WeightsNetwork;

const pages = async (): Promise<Page[]> => {
  const { ring, spares } = await network.tabs.see();
  return [...ring, ...spares].map(({ tab }) => tab.page);
};
const given = async (): Promise<number[]> => Promise.all((await pages()).map(async (page) => (await browserStatus(page)).weights.given));
/** Ready, and told of every byte that came: figures follow a moment later. */
const isDone = (status: BrowserStatus): boolean => isStandingBy(status) && status.weights.neighbours + status.weights.coordinator === network.modelBytes;
const slowTab = () => openLateTab(browser ?? expect.unreachable(), network.coordinator.url, SLOW_MEGABITS_PER_SECOND);

describe('a tab that comes when two others hold the whole model', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openWeightsNetwork(browser, { prepare: async (page) => void (await page.addInitScript(CORRUPT)) });
  });
  beforeEach((test) => needBrowser(test, browser));
  afterAll(() => network?.[Symbol.asyncDispose]());

  it('D4: is reloaded in the middle: what had come is not fetched again', async () => {
    await using late = await slowTab();
    const half = await late.until('half loaded', ({ bytes }) => bytes.downloaded > network.modelBytes / 3);
    await late.page.reload();
    const { weights } = await late.until('standing by', isStandingBy);
    expect(weights.neighbours + weights.coordinator).toBeLessThanOrEqual(network.modelBytes - half.bytes.downloaded + network.modelBytes / 10);
  });

  it('D8: one of them sends wrong bytes: none is used, it is asked no more, and the rest comes from the other', async () => {
    const [liar] = await pages();
    await liar?.evaluate('globalThis.corrupting = true');
    await using late = await slowTab();
    const { weights, bytes } = await late.until('standing by', isDone);
    await liar?.evaluate('globalThis.corrupting = false');
    // Every shard had its hash, or the tab would not be ready.
    expect(bytes).toEqual({ downloaded: network.modelBytes, cached: 0 });
    expect(weights.from).toBe(1);
    expect(weights.neighbours / network.modelBytes).toBeGreaterThan(0.25);
  });

  it('L5: takes nothing from neighbours when it hides its address, and nobody learns it', async () => {
    const before = await given();
    const sent: string[] = [];
    const prepare = async (page: Page): Promise<void> => void page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(payload.toString('latin1'))));
    await using late = await openLateTab(browser ?? expect.unreachable(), network.coordinator.url, 200, { relayOnly: true, prepare });
    const { weights } = await late.until('standing by', isDone);
    expect(weights).toMatchObject({ coordinator: network.modelBytes, neighbours: 0, from: 0 });
    expect(sent.filter((text) => text.includes('candidate') || text.includes('sdp'))).toEqual([]);
    expect(await given()).toEqual(before);
  });

  it('D5: gets most of it from both, directly, while the coordinator’s line is slow, and answers as they did when they are gone', async () => {
    const answered = await answerOf(network.coordinator, QUESTION);
    const before = await given();
    await using late = await slowTab();
    const { weights, bytes, node_id: id } = await late.until('standing by', isDone);
    expect(bytes).toEqual({ downloaded: network.modelBytes, cached: 0 });
    expect(weights.from).toBe(2);
    expect(weights.neighbours / network.modelBytes).toBeGreaterThan(0.5);
    const after = await given();
    for (const [index, each] of after.entries()) expect(each).toBeGreaterThan(before[index] ?? 0);
    const { ring, spares } = await network.tabs.see();
    for (const { tab } of [...ring, ...spares]) await network.tabs.lose(tab, 'closed');
    await late.until('serving alone', ({ state }) => state.kind === 'ready');
    const again = await answerOf(network.coordinator, QUESTION);
    expect(again.evidence.stages.map(({ worker }) => worker)).toEqual([id]);
    expect(again.evidence.token_ids).toEqual(answered.evidence.token_ids);
  });
});
