import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { isRechecked } from '@ciro/core/audit/audit-draw.ts';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { evidenceFile, runQuestion } from '@ciro/signaling/cli/run-question.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import { AuditedNetwork, PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { AuditedWorker } from '../support/audited-network.ts';

/** Ids of the answer, drawn at the last prompt position and after: 60 positions, four units. */
const MAX_TOKENS = 40;
const RIGHT = textOf(Array.from({ length: MAX_TOKENS }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));
/** In the middle of the third unit: what was drawn before position 32 stays. */
const WRONG_FROM = 40;
const FIRST_BAD = 32;
const KEPT = FIRST_BAD - (PROMPT_TOKENS - 1);

/** Ids that only a stage with `wrongFrom` draws. */
const WRONG_ID = /<(1[6-9]|20)\d>/;

/** Only one worker is quick at the head, so it is the last stage. */
const slowHead: Partial<AuditedWorker> = { profile: { headMs: 50 } };
const honest = (seed: number): AuditedWorker => ({ seed, ...slowHead });

async function network(workers: readonly AuditedWorker[], wish: Parameters<typeof AuditedNetwork.start>[0] = {}): Promise<AuditedNetwork> {
  const started = await AuditedNetwork.start({ ...wish, options: { expectWorkers: workers.length, ...wish.options } });
  for (const worker of workers) await started.join(worker);
  await started.coordinator.whenReady(AbortSignal.timeout(20_000));
  return started;
}

const sha256 = (hex: string): string => createHash('sha256').update(hex, 'hex').digest('hex');
/** What `npm run verify` has to say against a file, in its own words. */
async function faultsOf(file: object): Promise<string[]> {
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify(file)), { verifySignature });
  return checks.flatMap((check) => (check.state === 'failed' ? [`${check.name}: ${JSON.stringify(check.wrong)}`] : []));
}
const jobOf = (response: Response): string => response.headers.get('x-ciro-job') ?? '';
async function evidenceOf(of: AuditedNetwork, job: unknown): Promise<Evidence> {
  const response = await of.fetch(`/v1/jobs/${String(job)}/evidence?pieces=1`);
  expect(response.status).toBe(200);
  return (await response.json()) as Evidence;
}
async function feedOf(of: AuditedNetwork, job: string): Promise<{ type: string; [field: string]: unknown }[]> {
  return (await eventsOfStream(await of.fetch(`/v1/jobs/${job}/events`))).data as { type: string }[];
}
const contentOf = (data: readonly unknown[]): string => data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');

it('A1 to A8: an honest job ends passed, with its client\'s nonce in the draw; workers and auditors are paid', async () => {
  await using net = await network([1, 2, 3, 4, 5].map((seed) => ({ seed })));
  const before = await net.balance();
  const nonce = randomBytes(32).toString('hex');
  const asking = await net.ask({ max_tokens: MAX_TOKENS, stream: true, ciro: { nonce_commitment: sha256(nonce) } });
  const job = jobOf(asking);
  expect(contentOf((await eventsOfStream(asking)).data)).toBe(RIGHT);
  await vi.waitFor(async () => expect((await net.fetch(`/v1/jobs/${job}/nonce`, { method: 'POST', body: JSON.stringify({ nonce }) })).status).toBe(200), { timeout: 10_000 });
  const events = await feedOf(net, job);
  expect(events.filter(({ type }) => type === 'audited').map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
  const evidence = await evidenceOf(net, job);
  expect(await faultsOf({ ...evidence, request: net.request({ max_tokens: MAX_TOKENS, ciro: { nonce_commitment: sha256(nonce) } }), answer_text: RIGHT })).toEqual([]);
  expect(evidence.draw?.requester).toBe(nonce);
  expect(evidence.audits.map(({ stage, reason, units, outcome }) => ({ stage, reason, units, outcome })).sort((a, b) => a.stage - b.stage)).toEqual([0, 1, 2].map((stage) => ({ stage, reason: 'newcomer', units: expect.any(Number), outcome: 'passed' })));
  const parties = new Set(evidence.stages.map(({ worker }) => worker));
  // An auditor that is no party first; after it the reference run where the draw rechecks it, one in twenty (SPEC A8).
  const beacon = evidence.draw?.beacon ?? expect.unreachable('the job was drawn');
  for (const { stage, opinions } of evidence.audits) {
    expect(opinions.map(({ auditor, independent }) => [auditor === 'coordinator', parties.has(auditor as NodeId), independent])).toEqual([[false, false, true], ...(isRechecked(beacon, stage) ? [[true, false, false]] : [])]);
  }
  expect(evidence.ledger.credits.map(({ status }) => status)).toEqual(['payable', 'payable', 'payable']);
  expect(Object.keys(evidence.pieces ?? {}).length).toBeGreaterThan(0);
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  const [worker] = net.workers.values();
  const credits = [...net.workers.values()].flatMap(({ received }) => received.filter((message) => message.type === 'credit'));
  expect(credits.filter(({ status }) => status === 'payable')).toHaveLength(3);
  for (const { withheldTotal, payableTotal, status, paidPositions, generatedTokens } of credits) if (status === 'payable') expect([withheldTotal === payableTotal, paidPositions, generatedTokens]).toEqual([true, 60, MAX_TOKENS]);
  expect((await worker?.message('head'))?.head.body.network).toBe(net.coordinator.network);
});

const cheater = (change: Partial<AuditedWorker> = {}): AuditedWorker => ({ seed: 9, profile: { headMs: 0.1 }, misbehaviour: { wrongFrom: WRONG_FROM }, ...change });

it('M7: a last stage that commits to wrong rows is convicted; the streamed answer is corrected on other workers, refunds are exact', async () => {
  await using net = await network([...[1, 2, 3, 4, 5].map(honest), cheater()]);
  const before = await net.balance();
  const asking = await net.ask({ max_tokens: MAX_TOKENS, stream: true });
  const job = jobOf(asking);
  const shown = contentOf((await eventsOfStream(asking)).data);
  expect(shown).not.toBe(RIGHT);
  const events = await feedOf(net, job);
  const corrected = events.find(({ type }) => type === 'corrected');
  expect(corrected).toEqual({ type: 'corrected', job: expect.any(String), from_position: FIRST_BAD, text: RIGHT });
  expect(events.at(-1)).toEqual({ type: 'settled' });

  const wrong = await evidenceOf(net, job);
  const right = await evidenceOf(net, corrected?.['job']);
  const convicted = wrong.stages[2]?.worker;
  expect(wrong).toMatchObject({ text: shown, corrected_by: right.job, corrects: null, stages: [{ audit_status: 'passed' }, { audit_status: 'passed' }, { audit_status: 'failed' }] });
  const conviction = wrong.audits.find(({ stage }) => stage === 2);
  expect(conviction?.outcome).toBe('failed');
  expect(conviction?.opinions.map(({ verdict }) => [verdict.passed, verdict.first?.unit])).toEqual(conviction?.opinions.map(() => [false, FIRST_BAD / 16]));
  // A quorum (SPEC A8): at least two, the reference run among them.
  expect(conviction?.opinions.map(({ engine }) => engine).filter((engine) => engine === 'reference')).toHaveLength(1);
  expect(conviction?.opinions.length).toBeGreaterThan(1);
  expect(wrong.ledger.credits.map(({ worker, status }) => [worker === convicted, status])).toEqual([[false, 'payable'], [false, 'payable'], [true, 'void']]);
  expect(right).toMatchObject({ text: RIGHT, corrects: job, corrected_by: null, stages: [{ audit_status: 'passed' }, { audit_status: 'passed' }, { audit_status: 'passed' }] });
  expect(right.token_ids).toEqual(Array.from({ length: MAX_TOKENS - KEPT }, (_, n) => scriptedId(FIRST_BAD + n)));
  expect(right.stages.map(({ worker }) => worker)).not.toContain(convicted);
  // The first answer costs nothing; the second its prompt, the ids that stay included, and what it drew.
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS + KEPT, MAX_TOKENS - KEPT));
  const file = { ...right, earlier: [wrong], request: net.request({ max_tokens: MAX_TOKENS, stream: true }), answer_text: RIGHT };
  expect(await faultsOf(file)).toEqual([]);
  expect(await faultsOf({ ...file, answer_text: shown })).toEqual([expect.stringContaining('answer text')]);

  const nodes = (await (await net.fetch('/v1/nodes')).json()) as { data: { node_id: string; state: string }[] };
  expect(nodes.data.filter(({ state }) => state === 'demoted').map(({ node_id: id }) => id)).toEqual([convicted]);
  const told = [...net.workers.values()].find(({ nodeId }) => nodeId === convicted)?.received ?? [];
  expect(told.findLast(({ type }) => type === 'credit')).toMatchObject({ status: 'void', pendingTotal: '0', payableTotal: '0', withheldTotal: '0' });
  expect(told.findLast(({ type }) => type === 'standing')).toMatchObject({ state: 'demoted' });
  // It is placed no more.
  const next = await net.ask({ max_tokens: 5 });
  expect(((await next.json()) as { choices: [{ message: { content: string } }] }).choices[0].message.content).toBe(textOf([20, 21, 22, 23, 24].map(scriptedId)));
});

it('the file that npm run job writes of a corrected answer is verified as it is', async () => {
  await using net = await network([...[1, 2, 3, 4, 5].map(honest), cheater()]);
  const answered = await runQuestion(net.coordinator, { model: 'default', prompt: 'go', maxTokens: MAX_TOKENS, temperature: 0, seed: 1, assurance: 'stream' }, AbortSignal.timeout(50_000));
  expect(answered).toMatchObject({ answerText: RIGHT, decided: true, earlier: [{ stages: [{}, {}, { audit_status: 'failed' }], corrected_by: answered.evidence.job }], evidence: { text: RIGHT } });
  // Its nonce was opened in time.
  expect(answered.earlier[0]?.draw?.requester).toMatch(/^[0-9a-f]{64}$/);
  expect(await faultsOf(evidenceFile(answered, {}))).toEqual([]);
});

it.each([true, false])('checked, streaming %s: the wrong text is never shown, and the right one is', async (stream) => {
  await using net = await network([...[1, 2, 3, 4].map(honest), cheater()]);
  const before = await net.balance();
  const response = await net.ask({ max_tokens: MAX_TOKENS, stream, ciro: { assurance: 'checked' } });
  const body = await response.text();
  expect(body).toContain(RIGHT);
  expect(body).not.toMatch(WRONG_ID);
  const job = jobOf(response);
  const events = await feedOf(net, job);
  expect(events.find(({ type }) => type === 'corrected')).toMatchObject({ from_position: FIRST_BAD, text: RIGHT });
  const wrong = await evidenceOf(net, job);
  expect(wrong.draw?.stages.map(({ reason }) => reason)).toEqual(wrong.draw?.stages.map(() => expect.stringMatching(/checked|newcomer/)));
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS + KEPT, MAX_TOKENS - KEPT));
});

it('A8: where nobody is independent the reference run alone convicts nobody; a checked answer is done again by others all the same', async () => {
  await using net = await network([...[1, 2].map(honest), cheater()]);
  const before = await net.balance();
  const response = await net.ask({ max_tokens: MAX_TOKENS, ciro: { assurance: 'checked' } });
  const body = await response.text();
  expect(body).toContain(RIGHT);
  expect(body).not.toMatch(WRONG_ID);
  const [first, second] = await Promise.all([jobOf(response), (JSON.parse(body) as { ciro: { corrected_by: string } }).ciro.corrected_by].map((job) => evidenceOf(net, job)));
  expect(first?.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'passed', 'unpaid']);
  // Two of the three hold the model, too.
  expect(second?.stages.map(({ worker }) => worker)).toHaveLength(2);
  expect(second?.stages.map(({ worker }) => worker)).not.toContain(first?.stages[2]?.worker);
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  const nodes = (await (await net.fetch('/v1/nodes')).json()) as { data: { state: string }[] };
  expect(nodes.data.map(({ state }) => state)).toEqual(Array(3).fill('active'));
});

it('checked, and nobody is left to do it again: refused by name, paid back, and the coordinator goes on', async () => {
  await using net = await network([cheater()], { stages: 1 });
  const before = await net.balance();
  const response = await net.ask({ max_tokens: MAX_TOKENS, ciro: { assurance: 'checked' } });
  expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'answer_unverified', type: 'server_error' } }]);
  expect(await net.balance()).toBe(before);
  await net.join(honest(1));
  expect(await (await net.ask({ max_tokens: MAX_TOKENS, ciro: { assurance: 'checked' } })).text()).toContain(RIGHT);
});

it('a stage whose rows nobody supplies is unpaid, and nothing else follows', async () => {
  await using net = await network([1, 2, 3, 4, 5].map((seed) => ({ seed, audits: { withholds: true } })));
  const before = await net.balance();
  const response = await net.ask({ max_tokens: 8 });
  const events = await feedOf(net, jobOf(response));
  // The first stage's inputs are ids, which the coordinator has; its payload is the second one's input, and nobody gives that either.
  expect(events.filter(({ type }) => type === 'audited').map(({ status }) => status)).toEqual(['unpaid', 'unpaid', 'unpaid']);
  const evidence = await evidenceOf(net, jobOf(response));
  expect(evidence.ledger.credits.map(({ status }) => status)).toEqual(['void', 'void', 'void']);
  expect(await net.balance()).toBe(before - BigInt(evidence.ledger.fee));
  const nodes = (await (await net.fetch('/v1/nodes')).json()) as { data: { state: string }[] };
  expect(nodes.data.map(({ state }) => state)).toEqual(Array(5).fill('active'));
});

it('two clients at once, of which one leaves: both jobs are decided, the ledger verifies, and no hold is open', async () => {
  const net = await network([...[1, 2, 3, 4, 5].map(honest), cheater()]);
  try {
    const gone = new AbortController();
    const leaving = net.ask({ max_tokens: 400, stream: true }, { signal: gone.signal });
    const staying = net.ask({ max_tokens: MAX_TOKENS, stream: true });
    const left = jobOf(await leaving);
    gone.abort();
    const stayed = jobOf(await staying);
    expect((await eventsOfStream(await staying)).done).toBe(true);
    expect((await feedOf(net, stayed)).at(-1)).toEqual({ type: 'settled' });
    expect(['settled', 'failed']).toContain((await feedOf(net, left)).at(-1)?.type);
    await net.close();
    const store = await openStore({ dataDir: join(net.folder, 'data'), onError: (error) => expect.unreachable(error.message) });
    expect(await store.ledger.openHolds()).toEqual([]);
    expect(await store.jobs.undecided()).toEqual([]);
    await verifyChain(store.ledger);
    expect([...(await store.ledger.allBalances()).values()].reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
    await store.close();
  } finally {
    await net[Symbol.asyncDispose]();
  }
});

it('a restart in the middle of an audit: what was not decided is paid, nothing is booked twice, and a second start changes nothing', async () => {
  // Nobody opens a nonce, so the draw waits for its time and the coordinator stops before.
  const first = await network([1, 2, 3, 4].map((seed) => ({ seed, audits: { hidesNonce: true } })));
  const before = await first.balance();
  const job = jobOf(await first.ask({ max_tokens: 8 }));
  await vi.waitFor(async () => expect((await first.fetch(`/v1/jobs/${job}`).then((response) => response.json())) as object).toMatchObject({ status: 'recorded' }), { timeout: 10_000 });
  await first.close();
  const { folder } = first;
  let books: string | undefined;
  for (let start = 1; start <= 2; start++) {
    const again = await AuditedNetwork.start({ folder });
    expect(await again.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, 8));
    expect(await evidenceOf(again, job)).toMatchObject({ ledger: { credits: [{ status: 'payable' }, { status: 'payable' }, { status: 'payable' }] } });
    expect((await feedOf(again, job)).at(-1)).toEqual({ type: 'settled' });
    const head = await (await again.fetch('/v1/ledger/head')).json() as { body: { hash: string } };
    expect(head.body.hash).toBe(books ?? head.body.hash);
    books = head.body.hash;
    if (start === 1) await again.close();
    else await again[Symbol.asyncDispose]();
  }
});
