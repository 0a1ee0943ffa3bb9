import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { askNetwork, evidenceOf } from '../support/network-question.ts';
import type { TestNetwork } from '../support/network.ts';

const TOKENS = 24;
const HISTORY = `Here is a list to remember. ${Array.from({ length: 40 }, (_, index) => `Item ${index} is red.`).join(' ')}`;
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

  it('V1 to V6: each next turn begins with what the tabs keep of the one before, draws the ids that it draws without, and is in order', async () => {
    const ask = async (messages: typeof FIRST, reuse: boolean) => {
      const answer = await askNetwork(network.coordinator, { messages, maxTokens: TOKENS, reuse });
      if (!answer.ok) throw new Error(JSON.stringify(answer.error));
      return { ...answer, evidence: await evidenceOf(network.coordinator, answer.job) };
    };
    let told = FIRST;
    let before = await ask(told, true);
    for (const question of ['Which colour was item 7?', 'And item 9?']) {
      told = [...told, { role: 'assistant', content: before.text }, { role: 'user', content: question }];
      // The plain one first: it takes nothing from the kept turn.
      const plain = await ask(told, false);
      const kept = await ask(told, true);
      expect(plain.cachedTokens).toBe(0);
      expect(kept.cachedTokens).toBeGreaterThanOrEqual(before.evidence.prompt_ids.length - (before.evidence.prompt_ids.length % 16));
      expect(kept.evidence.token_ids).toEqual(plain.evidence.token_ids);
      for (const { evidence } of [before, plain, kept]) expect(await faultsOf(evidence)).toEqual([]);
      const [with_, without] = [kept, plain].map(({ evidence }) => evidence.ttft_ms);
      console.info(`time to the first token over ${kept.evidence.prompt_tokens} prompt ids: ${without?.toFixed(0)} ms plain, ${with_?.toFixed(0)} ms with ${kept.cachedTokens} kept, ratio ${((with_ ?? 0) / (without ?? 1)).toFixed(3)}`);
      before = kept;
    }
  });
});
