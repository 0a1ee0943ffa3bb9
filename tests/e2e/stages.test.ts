import { expect, it } from 'vitest';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';

const browser = await browserHere();
/** As many as there are: one, two and three are asked in first-payout, start-once and three-tabs, and all of them with every prompt in tests/conformance/equality. */
const STAGES = 5;
/** Kinds that cut differently: a multi-byte script, a conversation that is not the template's own, a prompt of many chunks. */
const VECTORS = ['chinese', 'empty system', 'long'].map(greedyVector);

it('five stages in as many tabs answer token for token as the unsharded model, with evidence that holds', async (test) => {
  needBrowser(test, browser);
  await using network = await openTestNetwork({ stages: STAGES });
  reportPages(test, network.volunteers);
  for (const { name, messages, promptIds, outputIds } of VECTORS) {
    const { evidence } = await answerOf(network.coordinator, { messages, maxTokens: outputIds.length });
    expect(evidence.stages, name).toHaveLength(STAGES);
    expect(evidence.prompt_ids, name).toEqual(promptIds);
    expect(evidence.token_ids, name).toEqual(outputIds);
    expect(await faultsOf(evidence), name).toEqual([]);
  }
});
