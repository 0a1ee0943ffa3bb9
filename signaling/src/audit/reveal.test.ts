import { expect, it } from 'vitest';
import { REVEAL_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { jobId, nodeId } from '../scheduler/workers.fixture.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import { AuditNetwork } from './audit-network.fixture.ts';
import { Reveal } from './reveal.ts';
import type { NonceMessage, Revealed } from './reveal.ts';
import type { PlayedJob } from './played-job.fixture.ts';

const REQUESTER = '0d'.repeat(32);

async function setup(wish: Parameters<AuditNetwork['play']>[1] = {}): Promise<{ network: AuditNetwork; played: PlayedJob; begin: (record?: PlayedJob['record']) => Reveal }> {
  const network = await AuditNetwork.make(4);
  const played = network.play(1, { tokens: 3, ...wish });
  const begin = (record = played.record): Reveal => {
    const reveal = new Reveal({ clock: network.clock, workers: network }, { record, requester: null }, new AbortController().signal);
    network.observe({ message: (node, message) => message.type === 'nonce' && reveal.handle(node, message) });
    return reveal;
  };
  return { network, played, begin };
}

const opened = ({ workers }: Revealed): (string | undefined)[] => workers.map((each) => each?.nonce.slice(0, 2));
/** Changes a tab's nonce before it is said, and says the right one later if `then`. */
const changed = (change: (message: NonceMessage) => WorkMessage) => (message: WorkMessage): WorkMessage => (message.type === 'nonce' ? change(message) : message);

it('A2: every worker is shown all roots; what they open is taken, with the signature that binds it to them', async () => {
  const { network, played, begin } = await setup();
  const reveal = begin();
  const revealed = await network.until(reveal.result);
  expect(opened(revealed)).toEqual(['01', '02', '03']);
  expect(network.sentOf('reveal').map(({ roots }) => roots)).toEqual([1, 2, 3].map(() => played.record.stages.map(({ root }) => root?.root)));
  expect([network.refused, network.clock.pending]).toEqual([[], 0]);
});

it.each([
  ['another nonce than the plan names', (message: NonceMessage) => ({ ...message, nonce: '77'.repeat(32) }), 'nonce-forged'],
  ['a nonce that is signed for other bytes', (message: NonceMessage) => ({ ...message, signature: '11'.repeat(64) }), 'nonce-forged'],
  ['a nonce for other roots', (message: NonceMessage) => ({ ...message, rootsHash: 'aa'.repeat(32) as HexHash }), 'other-roots'],
  ['a nonce for another plan version', (message: NonceMessage) => ({ ...message, version: 2 }), 'other-version'],
])('A2: %s is refused once, and counts as not opened', async (_, change, code) => {
  const { network, begin } = await setup();
  let said: WorkMessage | undefined;
  network.tab(2).word = changed((message) => (said = change(message)));
  const reveal = begin();
  await expect.poll(() => network.refused.length).toBe(1);
  if (said !== undefined) network.say(nodeId(2), said);
  await network.pass(REVEAL_TIMEOUT_MS);
  expect(opened(await reveal.result)).toEqual(['01', undefined, '03']);
  expect(network.refused).toEqual([`${code} by 2`]);
});

it('A2: a second nonce, one of a stranger, and one that comes late are refused, once each', async () => {
  const { network, begin } = await setup();
  let kept: NonceMessage | undefined;
  network.tab(1).word = changed((message) => (kept = message));
  network.tab(3).instead = ({ type }) => type === 'reveal';
  const reveal = begin();
  await network.quiet();
  if (kept === undefined) throw new Error('tab 1 opened its nonce');
  for (const n of [1, 1, 4, 4]) reveal.handle(nodeId(n), kept);
  await network.pass(REVEAL_TIMEOUT_MS);
  await reveal.result;
  reveal.handle(nodeId(3), { ...kept, nonce: '03'.repeat(32) });
  reveal.handle(nodeId(3), { ...kept, nonce: '03'.repeat(32) });
  expect(network.refused).toEqual(['nonce-repeated by 1', 'foreign-job by 4', 'nonce-late by 3']);
});

it('A1, A2: nobody waits for a worker that fixed no nonce or posted no root', async () => {
  const { network, played, begin } = await setup();
  const { plan } = played.record.signed;
  const stages = plan.stages.map((stage, index) => (index === 0 ? { ...stage, nonce: null } : stage));
  const rootless = played.record.stages.map((stage, index) => {
    if (index !== 1) return stage;
    const { root: _, ...rest } = stage;
    return rest;
  });
  const record = { ...played.record, signed: { ...played.record.signed, plan: { ...plan, stages } }, stages: rootless };
  for (const n of [1, 2]) network.tab(n).instead = ({ type }) => type === 'reveal';
  network.tab(3).keep({ ...played, record }, 2);
  const begun = network.clock.now();
  const revealed = await network.until(begin(record).result);
  expect(opened(revealed)).toEqual([undefined, undefined, '03']);
  expect(network.clock.now() - begun).toBeLessThan(REVEAL_TIMEOUT_MS);
});

it('A2: a worker that comes back within the time is shown the roots again', async () => {
  const { network, begin } = await setup();
  network.leave(nodeId(2));
  const reveal = begin();
  network.observe({ joined: ({ nodeId: node }) => reveal.joined(node) });
  await network.pass(1_000);
  network.join(2, {}, { devicePublicKey: network.tab(2).devicePublicKey });
  expect(opened(await network.until(reveal.result))).toEqual(['01', '02', '03']);
});

it('A1: the requester\'s nonce is waited for when the plan names one, and taken once, if it is the one', async () => {
  const { network, begin } = await setup({ requesterNonce: REQUESTER });
  const reveal = begin();
  await network.quiet();
  expect([reveal.requesterNonce('0e'.repeat(32)), reveal.requesterNonce('no hex'), reveal.requesterNonce(REQUESTER), reveal.requesterNonce(REQUESTER)]).toEqual([false, false, true, false]);
  expect((await reveal.result).requester).toBe(REQUESTER);
});

it('A1: without a commitment in the plan no requester has a say; one that comes too late has none either', async () => {
  const { network, begin } = await setup();
  expect(begin().requesterNonce(REQUESTER)).toBe(false);
  const { network: other, begin: beginOther } = await setup({ requesterNonce: REQUESTER });
  const late = beginOther();
  await other.pass(REVEAL_TIMEOUT_MS);
  expect([(await late.result).requester, late.requesterNonce(REQUESTER)]).toEqual([null, false]);
  await network.quiet();
});

it('a desk takes the requester\'s nonce as soon as the job is under consideration, and none afterwards', async () => {
  const { network, played } = await setup({ requesterNonce: REQUESTER });
  const desk = network.desk();
  expect(desk.requesterNonce(jobId(1), REQUESTER)).toBe(false);
  const running = network.audit(desk, played);
  expect([desk.requesterNonce(jobId(1), '0e'.repeat(32)), desk.requesterNonce(jobId(1), REQUESTER), desk.requesterNonce(jobId(1), REQUESTER)]).toEqual([false, true, false]);
  expect((await network.until(running)).draw.requester).toBe(REQUESTER);
  expect(desk.requesterNonce(jobId(1), REQUESTER)).toBe(false);
  let late: WorkMessage | undefined;
  network.tab(1).word = (message) => (late = message);
  await network.tab(1).open({ type: 'reveal', job: jobId(1), version: 1, roots: played.record.stages.map(({ root }) => root?.root ?? null) });
  if (late !== undefined) network.say(nodeId(1), late);
  expect(network.refused).toEqual(['nonce-late by 1']);
});
