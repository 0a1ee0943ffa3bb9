import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { askNetwork, evidenceOf } from '../support/network-question.ts';
import type { TestNetwork } from '../support/network.ts';

const TOKENS = 24;
const HISTORY = `Here is a list to remember. ${Array.from({ length: 16 }, (_, index) => `Item ${index} is red.`).join(' ')}`;
const FIRST = [{ role: 'user', content: HISTORY }];

const browser = await browserHere();
let network: TestNetwork;

describe('a conversation over three tabs', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openTestNetwork({ stages: 3, volunteers: 4 });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network.volunteers);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it('V1 to V6: its second turn begins with what the tabs keep, draws the ids that it draws without, and is verified', async () => {
    const ask = async (messages: typeof FIRST, reuse: boolean) => {
      const answer = await askNetwork(network.coordinator, { messages, maxTokens: TOKENS, reuse });
      if (!answer.ok) throw new Error(JSON.stringify(answer.error));
      return { ...answer, evidence: await evidenceOf(network.coordinator, answer.job) };
    };
    const first = await ask(FIRST, true);
    const second = [...FIRST, { role: 'assistant', content: first.text }, { role: 'user', content: 'Which colour was item 7?' }];
    // The plain one first: it takes nothing from the kept turn.
    const plain = await ask(second, false);
    const kept = await ask(second, true);
    expect([plain.cachedTokens, kept.cachedTokens % 16]).toEqual([0, 0]);
    expect(kept.cachedTokens).toBeGreaterThan(64);
    expect(kept.evidence.token_ids).toEqual(plain.evidence.token_ids);
    for (const { evidence } of [first, plain, kept]) expect(await faultsOf(evidence)).toEqual([]);
    console.info(`time to the first token over ${kept.evidence.prompt_tokens} prompt ids: ${plain.evidence.ttft_ms.toFixed(0)} ms plain, ${kept.evidence.ttft_ms.toFixed(0)} ms with ${kept.cachedTokens} kept, ratio ${(kept.evidence.ttft_ms / plain.evidence.ttft_ms).toFixed(3)}`);
  });
});
