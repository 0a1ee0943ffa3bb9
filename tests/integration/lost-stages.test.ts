import { expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { AuditedNetwork, PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

const MAX_TOKENS = 40;
const RIGHT = textOf(Array.from({ length: MAX_TOKENS }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));
/** The last stage computes no position from this one on: it draws 20 ids of the answer. */
const SILENT_FROM = 40;
const DRAWN = SILENT_FROM - PROMPT_TOKENS + 1;

/** A network of so many equal workers and one that is quick at the head, so it is the last stage, and stops in the middle of an answer. */
async function stopping(stages: number, others: number): Promise<{ net: AuditedNetwork; last: ScriptedWorker; ring: () => ScriptedWorker[] }> {
  const net = await AuditedNetwork.start({ stages, options: { expectWorkers: others + 1 } });
  for (let seed = 1; seed <= others; seed++) await net.join({ seed, profile: { headMs: 50 } });
  const last = await net.join({ seed: 90, profile: { headMs: 0.1 }, misbehaviour: { silentFrom: SILENT_FROM } });
  await net.coordinator.whenReady(AbortSignal.timeout(20_000));
  const ring = (): ScriptedWorker[] => net.coordinator.status().stages.map(({ worker }) => [...net.workers.values()].find(({ nodeId }) => nodeId === worker) ?? expect.unreachable('a stage has no worker'));
  return { net, last, ring };
}

/** Evidence of a job once it is recorded and charged; its audits wait long for what a lost tab was to supply, and are not waited for. */
async function recordedOf(net: AuditedNetwork, job: string): Promise<Evidence> {
  await expect.poll(async () => (await net.fetch(`/v1/jobs/${job}/evidence`)).status).toBe(200);
  return (await (await net.fetch(`/v1/jobs/${job}/evidence`)).json()) as Evidence;
}

/** The answer's text, and the evidence of its two jobs. */
async function wholeOf(net: AuditedNetwork, asking: Response): Promise<{ text: string; first: Evidence; rest: Evidence }> {
  const { data } = await eventsOfStream(asking);
  const text = data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');
  const job = asking.headers.get('x-ciro-job') ?? '';
  await expect.poll(async () => (await recordedOf(net, job)).continued_by).not.toBeNull();
  const first = await recordedOf(net, job);
  return { text, first, rest: await recordedOf(net, first.continued_by ?? '') };
}

/** Two stages by their numbers that leave in the same turn. */
const PAIRS = [
  { of: 'first and last', stages: 3, gone: [0, 2], others: 5 },
  { of: 'two middle', stages: 4, gone: [1, 2], others: 7 },
] as const;

it.each(PAIRS)('G2, M9: the $of stages leave at once: one answer, goes on once, one price', async ({ stages, gone, others }) => {
  const { net, last, ring } = await stopping(stages, others);
  await using _ = net;
  const asking = await net.ask({ max_tokens: MAX_TOKENS, stream: true });
  await last.message('probe');
  const placed = ring();
  const lost = gone.map((stage) => placed[stage] ?? expect.unreachable('no such stage'));
  for (const worker of lost) worker.vanish();
  if (!lost.includes(last)) last.vanish();
  const { text, first, rest } = await wholeOf(net, asking);
  expect(text).toBe(RIGHT);
  expect(first).toMatchObject({ finish_reason: 'moved', completion_tokens: DRAWN, continued_by: rest.job });
  expect(rest).toMatchObject({ continues: first.job, completion_tokens: MAX_TOKENS - DRAWN, continued_by: null, plan: { version: 1, signed: { plan: { drawnFrom: PROMPT_TOKENS } } } });
  for (const stage of gone) expect(first.stages[stage]).toMatchObject({ root: null });
  expect(BigInt(first.ledger.debit) + BigInt(rest.ledger.debit)).toBe(price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify({ ...rest, earlier: [first], request: net.request({ max_tokens: MAX_TOKENS, stream: true }), answer_text: RIGHT })), { verifySignature });
  expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
});

it('G2, G6: every holder leaves: the answer waits for others to join, and goes on over them', async () => {
  const { net, last, ring } = await stopping(3, 2);
  await using _ = net;
  const asking = await net.ask({ max_tokens: MAX_TOKENS, stream: true });
  await last.message('probe');
  for (const worker of ring()) worker.vanish();
  await expect.poll(() => net.coordinator.status().workers).toBe(0);
  for (const seed of [11, 12, 13, 14]) await net.join({ seed });
  const { text, first, rest } = await wholeOf(net, asking);
  expect(text).toBe(RIGHT);
  // Nobody is left who could post a root: none of that work is paid (SPEC A2).
  expect(first.stages.map(({ root }) => root)).toEqual([null, null, null]);
  expect(rest).toMatchObject({ continues: first.job, completion_tokens: MAX_TOKENS - DRAWN });
});

/** Reads a stream to its end, and calls `then` once when so many ids of its answer have come. */
async function readUntil(asking: Response, ids: number, then: () => void): Promise<Response> {
  const [whole, watched] = asking.body?.tee() ?? expect.unreachable('an answer without a body');
  let come = 0;
  let called = false;
  for await (const piece of watched.pipeThrough(new TextDecoderStream())) {
    come += piece.split('"content":"<').length - 1;
    if (come < ids || called) continue;
    called = true;
    then();
  }
  return new Response(whole, { headers: asking.headers });
}

it.each([0, 1, 2])('V9: stage %i leaves: its spare alone is given the history, by the stage before it, and the rest is audited, verified and priced as ever', async (lost) => {
  await using net = await AuditedNetwork.start({ stages: 3, options: { expectWorkers: 7, auditRate: 1 } });
  for (let seed = 1; seed <= 7; seed++) await net.join({ seed, computeMs: () => 3 });
  await net.coordinator.whenReady(AbortSignal.timeout(20_000));
  const holderOf = (stage: number): ScriptedWorker => [...net.workers.values()].find(({ nodeId }) => nodeId === net.coordinator.status().stages[stage]?.worker) ?? expect.unreachable('a stage has no worker');
  const stays = [0, 1, 2].filter((stage) => stage !== lost).map((stage) => holderOf(stage).nodeId);
  const asking = await readUntil(await net.ask({ max_tokens: MAX_TOKENS, stream: true }), 24, () => holderOf(lost).vanish());
  const { text, first, rest } = await wholeOf(net, asking);
  expect(text).toBe(RIGHT);
  const { prefix, stages } = rest.plan.signed.plan;
  const from = prefix?.positions ?? 0;
  expect(prefix).toEqual({ job: first.job, planHash: first.plan.hash, positions: expect.any(Number), rebuilds: lost });
  expect([16, 32]).toContain(from);
  expect(stages.flatMap(({ worker }, stage) => (stage === lost ? [] : [worker]))).toEqual(stays);
  for (const stage of rest.stages) expect([stage.units[0]?.from, stage.paid_positions]).toEqual([from, PROMPT_TOKENS + MAX_TOKENS - 1 - from]);
  expect(BigInt(first.ledger.debit) + BigInt(rest.ledger.debit)).toBe(price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  await expect.poll(async () => (await recordedOf(net, rest.job)).stages.map(({ audit_status }) => audit_status), { timeout: 15_000 }).toEqual(['passed', 'passed', 'passed']);
  const audited = await recordedOf(net, rest.job);
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify({ ...audited, earlier: [first], request: net.request({ max_tokens: MAX_TOKENS, stream: true }), answer_text: RIGHT })), { verifySignature });
  expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(checks.find(({ name }) => name === 'prefix')).toMatchObject({ state: 'ok' });
});
