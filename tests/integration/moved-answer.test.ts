import { expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { AuditedNetwork, PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { AuditedWorker } from '../support/audited-network.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

const MAX_TOKENS = 40;
const RIGHT = textOf(Array.from({ length: MAX_TOKENS }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));
/** The last stage computes no position from this one on: it draws 20 ids of the answer. */
const SILENT_FROM = 40;
const DRAWN = SILENT_FROM - PROMPT_TOKENS + 1;

const plain = (seed: number): AuditedWorker => ({ seed, profile: { headMs: 50 } });
/** Quick at the head, so it is the last stage; in the middle of an answer it says nothing more. */
const leaver = (change: Partial<AuditedWorker> = {}): AuditedWorker => ({ seed: 9, profile: { headMs: 0.1 }, misbehaviour: { silentFrom: SILENT_FROM }, ...change });

async function network(workers: readonly AuditedWorker[]): Promise<{ net: AuditedNetwork; last: ScriptedWorker }> {
  const net = await AuditedNetwork.start({ options: { expectWorkers: workers.length } });
  const joined = [];
  for (const worker of workers) joined.push(await net.join(worker));
  await net.coordinator.whenReady(AbortSignal.timeout(20_000));
  return { net, last: joined.at(-1) ?? expect.unreachable('no worker') };
}

async function evidenceOf(net: AuditedNetwork, job: unknown): Promise<Evidence> {
  return (await (await net.fetch(`/v1/jobs/${String(job)}/evidence?pieces=1`)).json()) as Evidence;
}

it('G2, M9, B4: an answer whose last stage leaves goes on over the spare; one text, one price, evidence of both jobs', async () => {
  const { net, last } = await network([...[1, 2, 3, 4, 5].map(plain), leaver()]);
  await using _ = net;
  const before = await net.balance();
  const asking = await net.ask({ max_tokens: MAX_TOKENS, stream: true });
  // The ring stands, so everybody is asked who is there (SPEC G3).
  await last.message('probe');
  last.vanish();
  const { data } = await eventsOfStream(asking);
  expect(data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('')).toBe(RIGHT);

  const job = asking.headers.get('x-ciro-job') ?? '';
  const events = (await eventsOfStream(await net.fetch(`/v1/jobs/${job}/events`))).data as { type: string; job?: string; from_position?: number }[];
  const moved = events.find(({ type }) => type === 'moved');
  expect(moved).toMatchObject({ from_position: SILENT_FROM, code: 'worker_lost' });
  expect(events.at(-1)).toEqual({ type: 'settled' });
  const [first, rest] = [await evidenceOf(net, job), await evidenceOf(net, moved?.job)];
  expect(first).toMatchObject({ finish_reason: 'moved', completion_tokens: DRAWN, continued_by: rest.job, corrected_by: null, stages: [{ audit_status: 'passed' }, { audit_status: 'passed' }, { audit_status: 'unpaid', root: null }] });
  expect(rest).toMatchObject({ continues: job, prompt_tokens: PROMPT_TOKENS + DRAWN, completion_tokens: MAX_TOKENS - DRAWN, text: RIGHT, stages: [{ audit_status: 'passed' }, { audit_status: 'passed' }, { audit_status: 'passed' }] });
  // What the worker that left would have had goes back.
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS) + BigInt(first.ledger.refunded));
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify({ ...rest, earlier: [first], request: net.request({ max_tokens: MAX_TOKENS, stream: true }), answer_text: RIGHT })), { verifySignature });
  expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
});

it('G1: a stage that leaves before the first id is replaced under the next version of the plan, and the answer is one job', async () => {
  const { net, last } = await network([...[1, 2, 3, 4, 5].map(plain), leaver({ misbehaviour: { silentFrom: 0 } })]);
  await using _ = net;
  const before = await net.balance();
  const asking = net.ask({ max_tokens: MAX_TOKENS });
  await last.message('probe');
  last.vanish();
  const answer = (await (await asking).json()) as { choices: [{ message: { content: string } }]; ciro: { job: string } };
  expect(answer.choices[0].message.content).toBe(RIGHT);
  const job = answer.ciro.job;
  expect((await eventsOfStream(await net.fetch(`/v1/jobs/${job}/events`))).data.at(-1)).toEqual({ type: 'settled' });
  const evidence = await evidenceOf(net, job);
  expect(evidence).toMatchObject({ plan: { version: 2 }, continues: null, continued_by: null, completion_tokens: MAX_TOKENS });
  expect(evidence.stages.map(({ worker }) => worker)).not.toContain(last.nodeId);
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify({ ...evidence, request: net.request({ max_tokens: MAX_TOKENS }), answer_text: RIGHT })), { verifySignature });
  expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
});

it('a checked answer begins anew instead: nothing of it was shown', async () => {
  const { net, last } = await network([...[1, 2, 3, 4, 5].map(plain), leaver()]);
  await using _ = net;
  const asking = net.ask({ max_tokens: MAX_TOKENS, ciro: { assurance: 'checked' } });
  await last.message('probe');
  last.vanish();
  const answer = (await (await asking).json()) as { choices: [{ message: { content: string } }]; ciro: { job: string } };
  expect(answer.choices[0].message.content).toBe(RIGHT);
  expect(await evidenceOf(net, answer.ciro.job)).toMatchObject({ plan: { version: 2 }, stages: [{ audit_status: 'passed' }, { audit_status: 'passed' }, { audit_status: 'passed' }] });
});
