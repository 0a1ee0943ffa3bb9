import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { answeredWithin, kinds, setup, turn } from './job-runner.fixture.ts';
import { COLLECT_TIMEOUT_MS, CONTINUATION_WAIT_MS, MAX_PLAN_VERSIONS, MAX_RUNNING_JOBS, PLACEMENT_DEBOUNCE_MS, PREPARE_TIMEOUT_MS, PROBE_AFTER_LAPS, PROBE_AFTER_MS, PROBE_REPLY_LAPS, PROBE_REPLY_MS, UNCOVERED_WAIT_MS } from './scheduler-limits.ts';
import { jobId, nodeId } from './workers.fixture.ts';

it('G1: a job that loses a worker before its first id is placed anew over the spare, under the next plan version', async () => {
  const { run, ready, workers, ring, version, answer, say } = setup();
  ready(4);
  const job = run(1);
  await turn();
  const [victim, other] = ring(1);
  workers.leave(victim ?? nodeId(0), 'transport close');
  workers.settle();
  await turn();
  expect([job.ended, version(1), ring(1).includes(victim ?? nodeId(0))]).toEqual([false, 2, false]);
  // Of the first plan something may still come.
  say(other, { type: 'fault', job: jobId(1), version: 1, code: 'no-link', message: 'gone' });
  answer(1);
  await answeredWithin(job);
  expect(kinds(job)).toEqual(['assigned', 'queued', 'assigned', 'token', 'token', 'token', 'token', 'finished', 'recorded']);
  expect(job.events.at(-1)).toMatchObject({ record: { signed: { plan: { version: 2 } } } });
  expect(workers.offences).toEqual([]);
});

it('G1: a ring that breaks three times before it said anything has its last word, and one that cannot is passed over', async () => {
  const { run, ready, workers, ring, say, version } = setup();
  ready(7);
  const job = run(1);
  const refusers: NodeId[] = [];
  for (let plan = 1; plan <= MAX_PLAN_VERSIONS; plan++) {
    workers.settle();
    await turn();
    expect([version(1), ring(1).filter((worker) => refusers.includes(worker))]).toEqual([plan, []]);
    const [, refuser = nodeId(0)] = ring(1);
    refusers.push(refuser);
    say(refuser, { type: 'stage-refused', job: jobId(1), version: plan, code: 'over-memory', message: '' });
    await turn();
  }
  expect(job.error).toMatchObject({ code: 'stage-refused', fields: { worker: refusers.at(-1) } });
});

it('G2: a job that loses a worker after its first id ends as moved at once, with its record behind; what goes on with it is not kept waiting by others', async () => {
  const { clock, run, ready, workers, ring, prepare, token } = setup();
  ready(4);
  const job = run(1);
  const queued = Array.from({ length: MAX_RUNNING_JOBS + 1 }, (_, n) => run(n + 2));
  await turn();
  prepare(1);
  token(1, 2);
  const victim = ring(1)[1] ?? nodeId(0);
  workers.leave(victim, 'transport close');
  await turn();
  expect(job.events.at(-1)).toMatchObject({ type: 'finished', reason: 'moved', lost: { code: 'worker-lost', fields: { worker: victim, stage: 1 } } });
  const next = run(100, { continues: jobId(1) });
  await turn();
  // Those that had not begun to answer begin anew, behind it.
  expect([next.events.at(-1), ...queued.map(({ events }) => events.at(-1))]).toEqual([0, 1, 2, 3, 4, 5].map((ahead) => ({ type: 'queued', ahead })));
  workers.settle();
  clock.advance(COLLECT_TIMEOUT_MS);
  await answeredWithin(job);
  expect(job.events.at(-1)).toMatchObject({ type: 'recorded', record: { finish: 'moved', tokenIds: [9] } });
  expect(queued.at(-1)?.ended).toBe(false);
});

it('G3: a worker that answers no probe loses its connection, and the job goes on without it', async () => {
  const { clock, run, ready, workers, ring, prepare, token } = setup();
  ready(4);
  const job = run(1);
  await turn();
  prepare(1);
  token(1, 2);
  clock.advance(100);
  token(1, 3);
  const victim = ring(1)[2] ?? nodeId(0);
  workers.frozen.add(victim);
  clock.advance(PROBE_AFTER_MS + PROBE_AFTER_LAPS * 100 + PROBE_REPLY_MS + PROBE_REPLY_LAPS * 100);
  await turn();
  expect(job.events.at(-1)).toMatchObject({ reason: 'moved', lost: { fields: { worker: victim }, message: expect.stringContaining('does not answer') } });
  expect(workers.worker(victim)).toBeUndefined();
});

it('G2: a link that closes under an answer moves it, and blames nobody', async () => {
  const { run, ready, workers, say, prepare, token } = setup();
  ready();
  const job = run(1);
  await turn();
  prepare(1);
  token(1, 2);
  const { link = '' } = workers.sentOf('connect')[0] ?? {};
  const end = workers.sent.find(({ message }) => message.type === 'connect' && message.link === link)?.to;
  say(end, { type: 'link', link, peer: nodeId(1), state: 'closed', route: 'direct', rttMs: 0 });
  await turn();
  expect(job.events.at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'link-lost', message: expect.stringContaining('lost its link') } });
  expect(workers.failedJobs).toEqual([]);
});

it('a stage that is not prepared in time is passed over, in virtual time', async () => {
  const { run, ready, clock, ring, say, workers } = setup();
  ready(4);
  const job = run(1);
  await turn();
  const [first, second, late = nodeId(0)] = ring(1);
  for (const worker of [first, second]) say(worker, { type: 'prepared', job: jobId(1), version: 1 });
  clock.advance(PREPARE_TIMEOUT_MS);
  workers.settle();
  await turn();
  expect([job.ended, ring(1).includes(late), workers.failedJobs]).toEqual([false, false, [late]]);
});

it.each([[0, 2], [0, 1], [1, 2]])('G1: stages %i and %i lost at once before the first id cost one plan version', async (...gone) => {
  const { run, ready, workers, ring, version, answer } = setup();
  ready(6);
  const job = run(1);
  await turn();
  const lost = gone.map((stage) => ring(1)[stage] ?? nodeId(0));
  for (const worker of lost) workers.leave(worker, 'transport close');
  workers.settle();
  await turn();
  expect([job.ended, version(1), ring(1).filter((worker) => lost.includes(worker))]).toEqual([false, 2, []]);
  answer(1);
  await answeredWithin(job);
  expect(job.events.at(-1)).toMatchObject({ type: 'recorded', record: { finish: 'length', signed: { plan: { version: 2 } } } });
});

it('G3: two frozen stages are found by one question', async () => {
  const { clock, run, ready, workers, ring, prepare, token } = setup();
  ready(6);
  const job = run(1);
  await turn();
  prepare(1);
  for (const position of [2, 3]) {
    token(1, position);
    clock.advance(100);
  }
  const lost = [ring(1)[0] ?? nodeId(0), ring(1)[2] ?? nodeId(0)];
  for (const worker of lost) workers.frozen.add(worker);
  clock.advance(PROBE_AFTER_MS + PROBE_AFTER_LAPS * 100 + PROBE_REPLY_MS + PROBE_REPLY_LAPS * 100);
  await turn();
  expect(job.events.at(-1)).toMatchObject({ type: 'finished', reason: 'moved' });
  expect(lost.map((worker) => workers.worker(worker))).toEqual([undefined, undefined]);
});

it('G6: whose only holders left is waited with for CONTINUATION_WAIT_MS, then fails by name; who is new is told after UNCOVERED_WAIT_MS', async () => {
  const { clock, run, ready, workers, ring, prepare, token } = setup();
  ready(3);
  const [began, reads] = [run(1), run(2)];
  await turn();
  prepare(2);
  token(2, 2);
  for (const worker of [...ring(1)]) workers.leave(worker, 'transport close');
  await turn();
  expect(reads.events.at(-1)).toMatchObject({ reason: 'moved' });
  const [rest, fresh] = [run(3, { continues: jobId(2) }), run(4)];
  await turn();
  clock.advance(PLACEMENT_DEBOUNCE_MS + UNCOVERED_WAIT_MS);
  await turn();
  expect([began.ended, rest.ended, fresh.error]).toEqual([false, false, expect.objectContaining({ code: 'no-workers' })]);
  clock.advance(CONTINUATION_WAIT_MS - UNCOVERED_WAIT_MS);
  await turn();
  for (const each of [began, rest]) expect(each.error).toMatchObject({ code: 'no-workers' });
});

it('G9: what a stage refuses of its neighbour keeps both out of that answer, and both records note it', async () => {
  const { run, ready, workers, ring, prepare, token, say } = setup();
  ready(6);
  const job = run(1);
  const other = run(2);
  await turn();
  for (const n of [1, 2]) prepare(n);
  token(1, 2);
  const [sender = nodeId(0), reporter = nodeId(0)] = ring(1);
  say(reporter, { type: 'fault', job: jobId(1), version: 1, code: 'stale-cache', message: 'rows of position 3 came twice' });
  await turn();
  expect(job.events.at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'fault', fields: { worker: reporter, neighbour: sender, stage: 1 }, message: expect.stringContaining(`by what worker ${sender} sent`) } });
  expect(workers.failedJobs.toSorted()).toEqual([sender, reporter].toSorted());
  token(2, 2);
  await turn();
  expect(other.events.at(-1)).toMatchObject({ type: 'token' });
  const early = run(3);
  await turn();
  prepare(3);
  say(reporter, { type: 'fault', job: jobId(3), version: 1, code: 'bad-values', message: 'NaN' });
  await turn();
  expect([early.ended, early.events.at(-1)?.type]).toEqual([false, 'queued']);
});
