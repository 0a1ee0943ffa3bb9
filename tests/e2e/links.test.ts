import { beforeEach, describe, expect, it } from 'vitest';
import { TOKEN_TIMEOUT_MS } from '../../signaling/src/scheduler/scheduler-limits.ts';
import { evidenceOfAnswer, idsOfAnswer } from '../support/answer-jobs.ts';
import { browserStatus } from '../support/browser-status.ts';
import { askAndDisturb } from '../support/lost-tab.ts';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import { needTurn, startTurnServer } from '../support/turn-server.ts';
import type { Page } from 'playwright-core';
import type { TestNetwork } from '../support/network.ts';

const STAGES = 3;
const PLAIN = greedyVector('plain question');
/** Long enough for its links to break in its middle: it says nothing twice, so no drafts (SPEC E5) shorten it. */
const ENDLESS = greedyVector('json');
const MIDDLE = 8;
/** A link that breaks is noticed after two seconds, and goes through the coordinator at once: on the busiest machine sooner than the answer would be given up as stalled. */
const LONGEST_PAUSE_MS = TOKEN_TIMEOUT_MS;

const browser = await browserHere();

/** Everything that the tabs of a network send to the coordinator, as text. */
function overhear() {
  const sent: string[] = [];
  const prepare = async (page: Page): Promise<void> => {
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(payload.toString('latin1'))));
  };
  return { sent, prepare };
}

const linksOf = async (network: TestNetwork) => (await Promise.all(network.volunteers.pages.map(browserStatus))).flatMap(({ links }) => links);
const health = async ({ coordinator }: TestNetwork): Promise<unknown> => (await fetch(new URL('/health', coordinator.url))).json();
const linkStates = (route: string) => ({ links: Array.from({ length: STAGES }, () => ({ ends: [expect.any(String), expect.any(String)], open: true, route, rtt_ms: expect.any(Number), loss: route === 'relay' ? null : expect.toBeOneOf([null, expect.any(Number)]) })) });

describe('links between tabs', () => {
  beforeEach((test) => needBrowser(test, browser));

  it('L5: tabs that hide their address are joined by TURN, tell no other candidate, and go on over the coordinator when the TURN server dies', async (test) => {
    await using turn = await startTurnServer({ address: '127.0.0.1' });
    needTurn(test, turn);
    const { sent, prepare } = overhear();
    await using network = await openTestNetwork({ stages: STAGES, relayOnly: true, prepare, ice: { stun: [turn.stunUrl], turn: [turn.url], turnSecret: turn.secret } });
    reportPages(test, network.volunteers);
    expect((await linksOf(network)).map(({ state, route }) => `${state} ${route}`)).toEqual(new Array(2 * STAGES).fill('open turn'));
    expect(await health(network)).toMatchObject(linkStates('turn'));
    const candidates = sent.flatMap((text) => text.match(/candidate:[^"\\]*/g) ?? []);
    expect(candidates.length).toBeGreaterThan(0);
    for (const candidate of candidates) expect(candidate).toMatch(/^candidate:\S+ \d \S+ \d+ 127\.0\.0\.1 \d+ typ relay raddr 0\.0\.0\.0 rport 0( |$)/);
    // Node ids are in the names that the server let in.
    for (const { node_id: id } of await Promise.all(network.volunteers.pages.map(browserStatus))) expect(turn.log).toContain(`:${id}`);

    const { answer, times, disturbedAt = 0 } = await askAndDisturb(network.coordinator, { messages: ENDLESS.messages, maxTokens: ENDLESS.outputIds.length }, MIDDLE, () => turn.kill());
    expect(answer).toMatchObject({ ok: true, finish: 'length' });
    const jobs = await evidenceOfAnswer(network.coordinator, answer.job ?? '');
    expect(idsOfAnswer(jobs)).toEqual(ENDLESS.outputIds);
    expect(jobs[0].finish_reason).toBe('moved');
    expect(Math.max(...times.map((time, index) => time - (times[index - 1] ?? disturbedAt)))).toBeLessThan(LONGEST_PAUSE_MS);
    expect(new Set((await linksOf(network)).map(({ route }) => route))).toEqual(new Set(['relay']));
  });

  it('L1, L3: without TURN, tabs that hide their address compute the same over the coordinator, and nobody is told of any candidate', async (test) => {
    const { sent, prepare } = overhear();
    await using network = await openTestNetwork({ stages: STAGES, relayOnly: true, prepare });
    reportPages(test, network.volunteers);
    const { evidence } = await answerOf(network.coordinator, { messages: PLAIN.messages, maxTokens: PLAIN.outputIds.length });
    expect(evidence.token_ids).toEqual(PLAIN.outputIds);
    expect(evidence.stages.map(({ link }) => link)).toEqual(new Array(STAGES).fill('relay'));
    expect(await faultsOf(evidence)).toEqual([]);
    expect(await health(network)).toMatchObject(linkStates('relay'));
    expect((await linksOf(network)).map(({ route, loss }) => `${route} ${String(loss)}`)).toEqual(new Array(2 * STAGES).fill('relay null'));
    expect(sent.filter((text) => text.includes('candidate') || text.includes('sdp'))).toEqual([]);
    // A prompt of many chunks: more than the window of a link is on the way.
    const long = greedyVector('long');
    const answered = await answerOf(network.coordinator, { messages: long.messages, maxTokens: 8 });
    expect(answered.evidence.token_ids).toEqual(long.outputIds.slice(0, 8));
  });
});
