import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { askNetwork, evidenceOf } from '../support/network-question.ts';
import type { TestNetwork } from '../support/network.ts';

const TOKENS = 24;
/** Turns that go on from the one before, the second of them from two jobs; and turns asked at most. */
const TURNS = 2;
const MOST_TURNS = 5;
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
    type Asked = Awaited<ReturnType<typeof ask>>;
    const ringOf = ({ evidence: { plan: { signed } } }: Asked): string => JSON.stringify(signed.plan.stages.map(({ worker, devicePublicKey, layers }) => [worker, devicePublicKey, layers]));
    let told = FIRST;
    let before = await ask(told, true);
    let kept = 0;
    for (let turn = 0; kept < TURNS && turn < MOST_TURNS; turn++) {
      told = [...told, { role: 'assistant', content: before.text }, { role: 'user', content: `Which colour was item ${turn}?` }];
      // The plain one first: it takes nothing from the kept turn.
      const plain = await ask(told, false);
      const next = await ask(told, true);
      expect(plain.cachedTokens).toBe(0);
      expect(next.evidence.token_ids).toEqual(plain.evidence.token_ids);
      for (const { evidence } of [before, plain, next]) expect(await faultsOf(evidence)).toEqual([]);
      // A tab that a busy machine kept from answering in time was replaced: there is nothing to go on from.
      if (next.evidence.plan.signed.plan.version === 1 && ringOf(next) === ringOf(before)) {
        kept++;
        expect(next.cachedTokens).toBeGreaterThanOrEqual(before.evidence.prompt_ids.length - (before.evidence.prompt_ids.length % 16));
        const [with_, without] = [next.evidence.ttft_ms, plain.evidence.ttft_ms];
        console.info(`time to the first token over ${next.evidence.prompt_tokens} prompt ids: ${without.toFixed(0)} ms plain, ${with_.toFixed(0)} ms with ${next.cachedTokens} kept, ratio ${(with_ / without).toFixed(3)}`);
      }
      before = next;
    }
    expect(kept).toBe(TURNS);
  });
});
