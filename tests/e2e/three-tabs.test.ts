import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserStatus } from '../support/browser-status.ts';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { balanceOf } from '../support/network-account.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { connectGarbage, GARBAGE } from '../support/network-garbage.ts';
import { answerOf, askNetwork, evidenceOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import type { TestNetwork } from '../support/network.ts';

const STAGES = 3;
const PLAIN = greedyVector('plain question');
const OTHERS = ['emoji', 'explicit system', 'multi-turn'].map(greedyVector);
/** A tab measures when it has been idle for two seconds; here three of them share two cores. */
const MEASURED_WITHIN_MS = 120_000;
const Score = v.object({ ms: v.pipe(v.number(), v.gtValue(0)), gflops: v.pipe(v.number(), v.gtValue(0)) });
/** What `/v1/nodes` tells of a tab that measured itself and serves. */
const MeasuredNode = v.object({
  profile: v.object({
    line: v.object({ down_bytes_per_ms: v.pipe(v.number(), v.gtValue(0)), down_from: v.picklist(['fetches', 'told']), up_bytes_per_ms: v.pipe(v.number(), v.gtValue(0)) }),
    scores: v.object({ engine: v.literal('wasm'), bert: Score, resnet: Score, whisper: Score }),
    neighbours: v.pipe(v.array(v.object({ node_id: v.string(), rtt_ms: v.pipe(v.number(), v.gtValue(0)) })), v.minLength(1)),
  }),
});
/** Ids of each turn of a conversation. */
const TURN_TOKENS = 24;
/** Turns that go on from the one before, the second of them from two jobs; and turns asked at most. */
const TURNS = 2;
const MOST_TURNS = 5;
const HISTORY = `Here is a list to remember. ${Array.from({ length: 40 }, (_, index) => `Item ${index} is red.`).join(' ')}`;
const FIRST = [{ role: 'user', content: HISTORY }];

const browser = await browserHere();
let network: TestNetwork;

describe('three tabs over WebRTC', () => {
  beforeAll(async () => {
    if (browser !== undefined) network = await openTestNetwork({ stages: STAGES });
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, network.volunteers);
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  // Before anything is asked: a measurement that has to make way for an answer is tried again a minute later.
  it('W3 to W5: have measured their lines and scores, and their links told round trips', async () => {
    const serving = (await Promise.all(network.volunteers.pages.map(browserStatus))).map(({ node_id: id }) => id);
    const measured = async (): Promise<number> => {
      const { data } = (await (await fetch(`${network.coordinator.url}/v1/nodes`)).json()) as { data: readonly { node_id: string }[] };
      return data.filter((node) => serving.includes(node.node_id) && v.is(MeasuredNode, node)).length;
    };
    await expect.poll(measured, { timeout: MEASURED_WITHIN_MS, interval: 1_000 }).toBe(STAGES);
  });

  it('answer a prompt token for token as the unsharded model, with evidence that holds without trust in its flags', async () => {
    const before = await balanceOf(network.coordinator);
    const { text, evidence } = await answerOf(network.coordinator, { messages: PLAIN.messages, maxTokens: PLAIN.outputIds.length });
    expect(text).toContain('Paris');
    expect(evidence.prompt_ids).toEqual(PLAIN.promptIds);
    expect(evidence.token_ids).toEqual(PLAIN.outputIds);
    expect(evidence.stages).toHaveLength(STAGES);
    expect(evidence.stages.map(({ link }) => link)).toEqual(['direct', 'direct', 'direct']);
    expect(await faultsOf(evidence)).toEqual([]);
    expect(await balanceOf(network.coordinator)).toBe(before - BigInt(evidence.ledger.debit));
  });

  it('would not be believed if any byte of the evidence were another', async () => {
    const { evidence } = await answerOf(network.coordinator, { messages: [{ role: 'user', content: 'Name a colour.' }], maxTokens: 4 });
    expect(await faultsOf(evidence)).toEqual([]);
    const [first, second] = evidence.stages;
    const unit = second?.units[0];
    if (first === undefined || second === undefined || unit === undefined) throw new Error('no stages');
    const forged = { ...second, units: [{ ...unit, payload_sha256: unit.input_sha256 }, ...second.units.slice(1)] };
    expect(await faultsOf({ ...evidence, stages: [first, forged, ...evidence.stages.slice(2)] })).not.toEqual([]);
    expect(await faultsOf({ ...evidence, token_ids: evidence.token_ids.map((id) => id + 1) })).not.toEqual([]);
    expect(await faultsOf({ ...evidence, ledger: { ...evidence.ledger, fee: '0' } })).not.toEqual([]);
  });

  it('answer more prompts one after the other, and two at the same time', async () => {
    const answered = await Promise.all(OTHERS.slice(0, 2).map(({ messages, outputIds }) => answerOf(network.coordinator, { messages, maxTokens: outputIds.length })));
    for (const vector of OTHERS.slice(2)) answered.push(await answerOf(network.coordinator, { messages: vector.messages, maxTokens: vector.outputIds.length }));
    for (const [index, { evidence }] of answered.entries()) {
      expect(evidence.token_ids, OTHERS[index]?.name).toEqual(OTHERS[index]?.outputIds);
      expect(await faultsOf(evidence), OTHERS[index]?.name).toEqual([]);
    }
  });

  it('V1 to V6: begin each next turn of a conversation with what they keep of the one before, which draws the ids that it draws without, and is in order', async () => {
    const ask = async (messages: typeof FIRST, reuse: boolean) => {
      const answer = await askNetwork(network.coordinator, { messages, maxTokens: TURN_TOKENS, reuse });
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

  it('are not asked what cannot be answered: a named error, and the credits stay', async () => {
    const before = await balanceOf(network.coordinator);
    const user = (content: string) => ({ messages: [{ role: 'user', content }], maxTokens: 4 });
    const [served] = network.coordinator.models.list();
    if (served === undefined) throw new Error('no model');
    const { name, architecture } = served.manifest;

    const unknown = await askNetwork(network.coordinator, { ...user('Hello'), model: 'gpt-7' });
    expect(unknown).toMatchObject({ ok: false, status: 404, error: { type: 'invalid_request_error', code: 'model_not_found', param: 'model' } });
    expect(unknown.ok === false && unknown.error.message).toContain(name);

    expect(await askNetwork(network.coordinator, user(' \n'))).toMatchObject({ ok: false, status: 400, error: { code: 'empty_prompt' } });
    expect(await askNetwork(network.coordinator, user('word '.repeat(architecture.context)))).toMatchObject({ ok: false, status: 400, error: { code: 'context_length_exceeded' } });
    expect(await askNetwork(network.coordinator, { ...user('Hello'), maxTokens: 1.5 })).toMatchObject({ ok: false, status: 400, error: { param: 'max_tokens' } });
    expect(await askNetwork({ url: network.coordinator.url, trialKey: 'ciro-sk-nobody' }, user('Hello'))).toMatchObject({ ok: false, status: 401 });
    expect(await balanceOf(network.coordinator)).toBe(before);
  });

  it('are not disturbed by a connection that sends garbage in the middle of an answer: it is refused by name and ended', async () => {
    const senders = await Promise.all(GARBAGE.map(() => connectGarbage(network.coordinator.url)));
    let sent = false;
    const answer = answerOf(network.coordinator, {
      messages: PLAIN.messages,
      maxTokens: PLAIN.outputIds.length,
      onText: () => {
        if (!sent) for (const [index, sender] of senders.entries()) sender.send(GARBAGE[index]);
        sent = true;
      },
    });
    await Promise.all(senders.map(({ ended }) => ended));
    for (const [index, { heard }] of senders.entries()) expect(heard.at(-1), `garbage ${index}`).toMatchObject({ type: 'refused', code: expect.stringMatching(/^(malformed|hello-expected|protocol-version)$/) });
    const { evidence } = await answer;
    expect(sent).toBe(true);
    expect(evidence.token_ids).toEqual(PLAIN.outputIds);
    expect(await faultsOf(evidence)).toEqual([]);
  });
});
