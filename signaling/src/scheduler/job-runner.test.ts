import { expect, it } from 'vitest';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { MAX_JOB_UNITS } from '@ciro/core/protocol/limits.ts';
import type { AuditId, HexHash } from '@ciro/core/ids.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import { answeredWithin, kinds, setup, turn } from './job-runner.fixture.ts';
import { COLLECT_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_PER_POSITION_MS, MAX_QUEUED_JOBS, MAX_RUNNING_JOBS, PLACEMENT_DEBOUNCE_MS, READY_WAIT_MS, UNCOVERED_WAIT_MS } from './scheduler-limits.ts';
import { jobId, nodeId } from './workers.fixture.ts';
import type { Watched } from './job-runner.fixture.ts';

it('a job goes through assigned, tokens, finished and recorded', async () => {
  const { run, ready, answer, runner, workers } = setup();
  ready();
  const job = run(1);
  await turn();
  expect(runner.status()).toMatchObject({ running: 1, queued: 0, ready: true, placed: 3, spare: 0, missing: 0 });
  answer(1);
  await answeredWithin(job);
  expect(kinds(job)).toEqual(['assigned', 'token', 'token', 'token', 'token', 'finished', 'recorded']);
  expect(job.error).toBeUndefined();
  expect(runner.status().running).toBe(0);
  expect(workers.sentOf('finish')).toHaveLength(3);
});

it('M16: high priority begins before the others that wait, spot after all of them', async () => {
  const { run, ready, answer } = setup({ maxRunning: 1 });
  const waiting = [run(1, { turn: 'last' }), run(2), run(3, { turn: 'first' }), run(4, { turn: 'last' }), run(5)];
  await turn();
  ready();
  await turn();
  const begun = (): number[] => waiting.flatMap((job, index) => (kinds(job).includes('assigned') ? [index + 1] : []));
  expect(begun()).toEqual([3]);
  expect(waiting.map(({ events }) => events.findLast((event) => event.type === 'queued'))).toEqual([2, 0, 0, 3, 1].map((ahead) => ({ type: 'queued', ahead })));
  for (const [job, then] of [[3, [2, 3]], [2, [2, 3, 5]], [5, [1, 2, 3, 5]]] as const) {
    answer(job);
    await answeredWithin(waiting[job - 1] as Watched);
    expect(begun()).toEqual(then);
  }
});

it('a job that comes before the workers waits for them, and is told its place in the queue', async () => {
  const { run, ready, runner } = setup();
  const [first, second] = [run(1), run(2)];
  await turn();
  expect([first.events, second.events]).toEqual([[{ type: 'queued', ahead: 0 }], [{ type: 'queued', ahead: 1 }]]);
  ready();
  await turn();
  expect(kinds(first)).toEqual(['queued', 'assigned']);
  expect(runner.status()).toMatchObject({ running: 2, queued: 0 });
});

it('four jobs run at a time, the next one when one is over', async () => {
  const { run, ready, answer, runner } = setup();
  ready();
  const jobs = Array.from({ length: MAX_RUNNING_JOBS + 2 }, (_, n) => run(n + 1));
  await turn();
  expect(runner.status()).toMatchObject({ running: MAX_RUNNING_JOBS, queued: 2 });
  answer(1);
  await turn();
  expect(runner.status()).toMatchObject({ running: MAX_RUNNING_JOBS, queued: 1 });
  expect(kinds(jobs[4] as Watched).at(-1)).toBe('assigned');
  expect(jobs[5]?.events).toEqual([{ type: 'queued', ahead: 1 }, { type: 'queued', ahead: 0 }]);
});

it('E3: an account that asks a great deal makes another wait for one of its jobs; both are told where they stand', async () => {
  const { run, ready, answer } = setup();
  ready();
  for (let n = 1; n <= MAX_RUNNING_JOBS; n++) run(n, { account: 'much' });
  const more = Array.from({ length: 3 }, (_, n) => run(10 + n, { account: 'much' }));
  const [first, second] = [run(20, { account: 'little' }), run(21, { account: 'little' })];
  await turn();
  expect([...more, first, second].map(({ events }) => events.at(-1))).toEqual([2, 3, 4, 0, 1].map((ahead) => ({ type: 'queued', ahead })));
  for (const n of [1, 2]) {
    answer(n);
    await turn();
  }
  expect([first, second].map((job) => kinds(job).at(-1))).toEqual(['assigned', 'assigned']);
  // Two of each run; who came first has the next turn.
  answer(3);
  await turn();
  expect(kinds(more[0] as Watched).at(-1)).toBe('assigned');
});

it('a job that is cancelled is ended on every tab of its ring at once', async () => {
  const { run, ready, prepare, token, ring, workers } = setup();
  ready();
  const [job] = [run(1), run(2)];
  await turn();
  for (const n of [1, 2]) {
    prepare(n);
    token(n, 2);
  }
  job.stop('cancelled');
  const finished = workers.sent.filter(({ message }) => message.type === 'finish');
  expect(finished.map(({ to }) => to).toSorted()).toEqual(ring(1).toSorted());
  for (const { message } of finished) expect(message).toMatchObject({ job: jobId(1), reason: 'cancelled' });
});

it('a full queue refuses at once, with the time to come back', async () => {
  const { run } = setup();
  for (let n = 0; n < MAX_QUEUED_JOBS; n++) run(n);
  const job = run(1_000);
  await turn();
  expect(job.error).toMatchObject({ code: 'queue-full', fields: { retryAfterMs: 5_000 } });
});

it('with nobody there a job fails as no-workers after a while', async () => {
  const { clock, run } = setup();
  const job = run(1);
  clock.advance(UNCOVERED_WAIT_MS - 1);
  await turn();
  expect(job.ended).toBe(false);
  clock.advance(1);
  await turn();
  expect(job.error).toMatchObject({ code: 'no-workers', fields: { missingWorkers: 1, retryAfterMs: 5_000 } });
});

it('with too little memory a job fails as not-covered, saying how much is missing', async () => {
  const { clock, run, workers } = setup();
  workers.join(1, { memoryBudgetBytes: 20_000 });
  const job = run(1);
  clock.advance(UNCOVERED_WAIT_MS);
  await turn();
  expect(job.error).toMatchObject({ code: 'not-covered', message: expect.stringMatching(/the one tab that contributes does not hold the model; .+ needs 6 more tabs that each give 1 MB \(in all 1 MB are missing\)/), fields: { missingWorkers: 6, workerBytes: 80_000 } });
});

it('while shards load a job waits longer, but not for ever', async () => {
  const { clock, run, workers } = setup({ stages: 1 });
  const job = run(1);
  workers.join(1);
  for (let waited = 0; waited < READY_WAIT_MS - 30_000; waited += 30_000) {
    clock.advance(30_000);
    workers.say(nodeId(1), { type: 'shards', assignment: 1, state: 'loading', loadedBytes: waited + 1, totalBytes: 1e9, fetchedBytes: 0 });
  }
  await turn();
  expect(job.ended).toBe(false);
  clock.advance(40_000);
  await turn();
  expect(job.error).toMatchObject({ code: 'prepare-timeout' });
});

it('an answer that needs more memory than the tabs have is refused by name, and the queue goes on', async () => {
  const { run, workers, clock, runner } = setup({ stages: 1 });
  workers.join(1, { memoryBudgetBytes: 32_100 + 6 * 32 * 3_000 });
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const job = run(1, { maxTokens: 4_000 });
  const next = run(2);
  await turn();
  expect(job.error).toMatchObject({ code: 'not-covered', message: expect.stringContaining('shorten the prompt or max_tokens') });
  expect(kinds(next)).toEqual(['assigned']);
  expect(runner.status().running).toBe(1);
});

it('jobs that together need more memory than there is run one after the other', async () => {
  const { run, workers, clock, runner } = setup({ stages: 1 });
  workers.join(1, { memoryBudgetBytes: 32_100 + 6 * 32 * 3_000 });
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  run(1, { maxTokens: 2_000 });
  run(2, { maxTokens: 2_000 });
  await turn();
  expect(runner.status()).toMatchObject({ running: 1, queued: 1 });
});

it('U5: a job of more positions than one root has salts for is refused with the bound, before it waits for anybody', async () => {
  const { run } = setup();
  const most = MAX_JOB_UNITS * UNIT_POSITIONS;
  const long = run(1, { promptIds: new Uint32Array(2), maxTokens: most });
  const longest = run(2, { promptIds: new Uint32Array(2), maxTokens: most - 1 });
  await turn();
  expect(long.error).toMatchObject({ code: 'bad-order', fault: 'user', fields: { positions: most + 1, most } });
  expect([longest.error, kinds(longest)]).toEqual([undefined, ['queued']]);
});

it('an unknown model, a job that makes no plan and a repeated id are refused', async () => {
  const { run, ready } = setup();
  ready();
  const unknown = run(1, { modelId: 'ff'.repeat(32) as never });
  const bad = run(2, { promptIds: new Uint32Array(0) });
  run(3);
  const again = run(3);
  await turn();
  expect([unknown.error, bad.error, again.error]).toMatchObject([{ code: 'unknown-model' }, { code: 'bad-order' }, { code: 'bad-order' }]);
});

it('a signal that aborts cancels a waiting job, a running one without tokens, and ends one with tokens', async () => {
  const { run, ready, prepare, token, runner, clock, workers } = setup();
  const waiting = new AbortController();
  const job = run(1, {}, waiting.signal);
  waiting.abort();
  await turn();
  expect(job.error).toMatchObject({ code: 'cancelled', fault: 'abort' });
  ready();
  const early = new AbortController();
  const begun = run(2, {}, early.signal);
  await turn();
  prepare(2);
  early.abort();
  await turn();
  expect(begun.error).toMatchObject({ code: 'cancelled' });
  const late = new AbortController();
  const answered = run(3, {}, late.signal);
  await turn();
  prepare(3);
  token(3, 2);
  late.abort();
  clock.advance(COLLECT_TIMEOUT_MS);
  await answeredWithin(answered);
  expect([kinds(answered), answered.error]).toEqual([['assigned', 'token', 'finished', 'recorded'], undefined]);
  expect([runner.status().running, workers.sentOf('finish').length]).toEqual([0, 6]);
  const dead = run(4, {}, AbortSignal.abort());
  await turn();
  expect(dead.error).toMatchObject({ code: 'cancelled' });
});

it('a job that is stopped, or loses a worker, while its plan is being signed ends as such', async () => {
  const signed: (() => void)[] = [];
  const { run, ready, workers, runner } = setup({}, () => new Promise((resolve) => signed.push(() => resolve('ab'.repeat(64)))));
  ready(4);
  const [stopped, widowed] = [run(1), run(2)];
  stopped.stop('cancelled');
  const [stage] = runner.status().stages;
  workers.leave(stage?.worker ?? nodeId(0));
  // One plan is signed after the other.
  for (let n = 0; n < 2; n++) {
    await turn();
    signed[n]?.();
  }
  await turn();
  expect(stopped.error).toMatchObject({ code: 'cancelled' });
  expect([widowed.error, workers.sentOf('plan'), runner.status().queued]).toEqual([undefined, [], 1]);
});

it('a key that cannot sign fails the job and not the coordinator', async () => {
  const { run, ready, runner } = setup({}, () => Promise.reject(new Error('the key is gone')));
  ready();
  const job = run(1);
  await turn();
  expect(job.error).toMatchObject({ code: 'fault', fault: 'bug' });
  expect(runner.status().running).toBe(0);
});

it('ranges do not change under a running job: a placement that is due waits for it, new jobs wait for the placement', async () => {
  const { run, ready, workers, clock, runner, answer } = setup();
  ready(2);
  run(1);
  await turn();
  workers.join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  run(2);
  await turn();
  expect(runner.status()).toMatchObject({ placed: 2, running: 1, queued: 1 });
  answer(1);
  expect(runner.status()).toMatchObject({ placed: 3, running: 0, queued: 1 });
  workers.settle();
  await turn();
  expect(runner.status()).toMatchObject({ running: 1, queued: 0 });
});

it('a job that wants another number of stages gets it, after the jobs before it', async () => {
  const { run, ready, answer, workers, ring, runner } = setup();
  ready();
  run(1);
  await turn();
  const lone = run(2, { stages: 1 });
  await turn();
  expect(runner.status()).toMatchObject({ placed: 3, running: 1, queued: 1 });
  answer(1);
  workers.settle();
  await turn();
  expect(kinds(lone).at(-1)).toBe('assigned');
  expect(ring(2)).toHaveLength(1);
});

it('garbage is scored by kind and disturbs no job: unknown jobs, links and assignments; late messages are only counted', async () => {
  const { run, ready, workers, say, answer, runner } = setup();
  ready();
  const job = run(1);
  await turn();
  const { link = '' } = workers.sentOf('connect')[0] ?? {};
  const stranger = workers.join(9);
  say(stranger, { type: 'token', job: jobId(1), version: 1, position: 2, id: 9 });
  say(stranger, { type: 'token', job: jobId(55), version: 1, position: 2, id: 9 });
  say(stranger, { type: 'link', link, peer: nodeId(1), state: 'closed', route: 'direct', rttMs: 0 });
  say(stranger, { type: 'shards', assignment: 1_000, state: 'ready', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 });
  say(stranger, { type: 'signal', to: nodeId(1), link, payload: '' });
  expect(workers.offences.map(({ code }) => code)).toEqual(['foreign-job', 'unknown-job', 'foreign-link', 'unknown-assignment']);
  answer(1);
  await answeredWithin(job);
  expect(kinds(job).at(-1)).toBe('recorded');
  say(nodeId(1), { type: 'fault', job: jobId(1), version: 1, code: 'late', message: '' });
  expect([runner.late, workers.offences.length]).toEqual([1, 4]);
});

it('messages about audits are not the scheduler\'s: it neither scores them nor counts them as late', async () => {
  const { run, ready, workers, say, runner } = setup();
  ready();
  run(1);
  await turn();
  const hash = 'ab'.repeat(32) as HexHash;
  const audit = 'cd'.repeat(16) as AuditId;
  const signature = 'ab'.repeat(64);
  const messages: WorkerMessage[] = [
    { type: 'nonce', job: jobId(1), version: 1, rootsHash: hash, nonce: hash, signature },
    { type: 'nonce', job: jobId(77), version: 1, rootsHash: hash, nonce: hash, signature },
    { type: 'piece', audit, side: 'payload', unit: 0, sha256: hash, offset: 0, total: 4, bytes: new Uint8Array(4) },
    { type: 'supply-refused', audit, side: 'input', code: 'gone', message: '' },
    { type: 'audit-refused', audit, code: 'busy', message: '' },
    { type: 'audit-blind', audit, engine: 'wasm', commitment: hash, signature },
    { type: 'audit-opened', audit, salt: 'ab'.repeat(16), rows: [hash], ids: null },
  ];
  for (const message of messages) say(nodeId(1), message);
  expect([workers.offences, runner.late]).toEqual([[], 0]);
});

it('A1: each plan names its workers\' next nonce commitments, in the order in which the plans are sent', async () => {
  const releases: (() => void)[] = [];
  const { run, ready, workers } = setup({}, () => new Promise((resolve) => releases.push(() => resolve('ab'.repeat(64)))));
  const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
  ready();
  workers.nonces.set(nodeId(1), [hash('1'), hash('2')]);
  run(1, { requesterNonce: hash('9') });
  run(2);
  run(3);
  for (let n = 0; n < 3; n++) {
    await turn();
    expect(releases).toHaveLength(n + 1);
    releases[n]?.();
  }
  await turn();
  const plans = workers.sentOf('plan', nodeId(1)).map(({ signed }) => signed.plan);
  expect(plans.map(({ job }) => job)).toEqual([1, 2, 3].map(jobId));
  expect(plans.map(({ stages }) => stages.find(({ worker }) => worker === nodeId(1))?.nonce)).toEqual([hash('1'), hash('2'), null]);
  expect(plans.map(({ nonces }) => nonces.requester)).toEqual([hash('9'), null, null]);
  expect(plans[0]?.stages.filter(({ worker }) => worker !== nodeId(1)).map(({ nonce }) => nonce)).toEqual([null, null]);
});

it('an order that excludes a worker of the ring waits for the jobs over it, then runs over others', async () => {
  const { run, ready, ring, answer, workers, runner } = setup();
  ready(4);
  const first = run(1);
  await turn();
  const [excluded = nodeId(0)] = ring(1);
  const again = run(2, { exclude: [excluded] });
  const next = run(3);
  await turn();
  expect([kinds(again), kinds(next), runner.status().queued]).toEqual([['queued'], ['queued'], 2]);
  answer(1);
  workers.settle();
  await turn();
  expect(ring(2)).toHaveLength(3);
  expect(ring(2)).not.toContain(excluded);
  expect(kinds(next).at(-1)).toBe('assigned');
  expect(first.error).toBeUndefined();
});

it('with nobody but excluded workers an order fails as no-workers, and the next one runs', async () => {
  const { run, ready, clock, ring, workers } = setup();
  ready(2);
  const refused = run(1, { exclude: [nodeId(1), nodeId(2)] });
  clock.advance(UNCOVERED_WAIT_MS);
  await turn();
  expect(refused.error).toMatchObject({ code: 'no-workers' });
  const next = run(2);
  workers.settle();
  await turn();
  expect([kinds(next).at(-1), ring(2).length]).toEqual(['assigned', 2]);
});

it('A8: a worker that is demoted under a job finishes it and serves no other; the status does not count it', async () => {
  const { run, ready, ring, answer, workers, standings, runner } = setup();
  ready(4);
  const first = run(1);
  await turn();
  const [demoted = nodeId(0)] = ring(1);
  standings.demote(demoted);
  const next = run(2);
  await turn();
  expect(runner.status()).toMatchObject({ workers: 3, placed: 3, spare: 1, running: 1, queued: 1 });
  answer(1);
  workers.settle();
  await answeredWithin(first);
  expect([first.error, kinds(next).at(-1)]).toEqual([undefined, 'assigned']);
  expect(ring(2)).not.toContain(demoted);
  expect(runner.status()).toMatchObject({ workers: 3, placed: 3, spare: 0 });
});

it('who leaves a job or refuses it is noted by name; nobody is when the ring stands still', async () => {
  const leaving = setup();
  leaving.ready(4);
  leaving.run(1);
  await turn();
  const [leaver = nodeId(0)] = leaving.ring(1);
  leaving.workers.leave(leaver);
  leaving.workers.settle();
  await turn();
  const [, refuser = nodeId(0)] = leaving.ring(1);
  leaving.say(refuser, { type: 'stage-refused', job: jobId(1), version: 2, code: 'over-memory', message: '' });
  await turn();
  expect(leaving.workers.failedJobs).toEqual([leaver, refuser]);

  const still = setup();
  still.ready();
  still.run(1);
  await turn();
  still.prepare(1);
  still.clock.advance(FIRST_TOKEN_TIMEOUT_MS + 3 * FIRST_TOKEN_TIMEOUT_PER_POSITION_MS);
  await turn();
  expect([still.version(1), still.workers.failedJobs]).toEqual([2, []]);
});

it('whenReady resolves when the ring is ready and rejects when its signal aborts', async () => {
  const { runner, ready } = setup();
  const gaveUp = new AbortController();
  const refused = runner.whenReady(gaveUp.signal);
  const waited = runner.whenReady(new AbortController().signal);
  gaveUp.abort(new Error('enough'));
  await expect(refused).rejects.toThrow('enough');
  ready();
  await waited;
  expect(runner.status().ready).toBe(true);
});

it('closing cancels what waits, records what has tokens, and leaves no timer', async () => {
  const { run, ready, prepare, token, runner, clock, workers } = setup({ maxRunning: 1 });
  ready(4);
  const [running, waiting] = [run(1), run(2)];
  await turn();
  prepare(1);
  token(1, 2);
  const closed = runner.close();
  clock.advance(COLLECT_TIMEOUT_MS);
  await closed;
  await turn();
  expect([kinds(running).at(-1), waiting.error]).toMatchObject(['recorded', { code: 'cancelled' }]);
  for (const { nodeId: id } of workers.workers()) workers.leave(id);
  const late = run(3);
  await turn();
  expect([clock.pending, late.error]).toMatchObject([0, { code: 'cancelled' }]);
});
