import { expect, it } from 'vitest';
import type { HexHash } from '@ciro/core/ids.ts';
import type { JobEvent, JobRecord } from '@ciro/signaling/scheduler/job-order.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import { eventsOf, SmallCoordinator } from '../support/small-coordinator.ts';

const ANSWER = Array.from({ length: 20 }, (_, index) => scriptedId(20 + index));

function recordOf(events: readonly JobEvent[]): JobRecord {
  const last = events.at(-1);
  if (last?.type !== 'recorded') throw new Error(`the last event is ${last?.type}`);
  return last.record;
}

it('three tabs and a spare answer a job, and every unit is signed, acknowledged and under a valid root', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 4 });
  for (const seed of [1, 2, 3, 4]) await coordinator.join({ seed });
  await coordinator.runner.whenReady(AbortSignal.timeout(10_000));
  expect(coordinator.runner.status()).toMatchObject({ workers: 4, placed: 3, spare: 1, missing: 0, ready: true });

  const { events, error } = await eventsOf(coordinator.run());
  expect(error).toBeUndefined();
  expect(events.map((event) => event.type)).toEqual(['assigned', ...ANSWER.map(() => 'token'), 'finished', 'recorded']);
  const record = recordOf(events);
  expect(record.tokenIds).toEqual(ANSWER);
  expect(record.finish).toBe('length');
  expect(record.disagreements).toEqual([]);
  for (const stage of record.stages) {
    expect(stage).toMatchObject({ link: 'direct', paidPositions: 40, root: { root: expect.stringMatching(/^0x/) } });
    expect(stage.units.map((unit) => [unit.receipt.body.from, unit.receipt.body.to, unit.receiptValid, unit.acknowledgementValid])).toEqual([[0, 16, true, true], [16, 32, true, true], [32, 40, true, true]]);
  }
  const nodes = await coordinator.standings.nodes();
  // 6 layers, 40 positions.
  expect(nodes.reduce((sum, node) => sum + node.compute_contributed, 0)).toBe(240);
  expect(nodes).toHaveLength(4);
  for (const node of nodes) expect(node).toMatchObject({ state: 'active', audits: 0 });
  expect(coordinator.errors).toEqual([]);
});

it('one tab answers alone, and the coordinator acknowledges its units from the ids that it saw', async () => {
  await using coordinator = await SmallCoordinator.start();
  await coordinator.join({ seed: 1 });
  const record = recordOf((await eventsOf(coordinator.run())).events);
  expect(record.tokenIds).toEqual(ANSWER);
  expect(record.stages).toMatchObject([{ link: 'none', paidPositions: 40, layers: [0, 6] }]);
  expect(record.stages[0]?.units.map((unit) => [unit.acknowledgement?.signer, unit.acknowledgementValid])).toEqual(Array(3).fill(['coordinator', true]));
});

it('a job over two tabs uses one link for both directions', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 2 });
  const [one, two] = [await coordinator.join({ seed: 1 }), await coordinator.join({ seed: 2 })];
  const record = recordOf((await eventsOf(coordinator.run())).events);
  expect(record.stages.map((stage) => stage.paidPositions)).toEqual([40, 40]);
  for (const tab of [one, two]) expect(tab.received.filter((message) => message.type === 'connect')).toHaveLength(1);
});

it('four jobs run at the same time and each gets its own answer', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  for (const seed of [1, 2, 3]) await coordinator.join({ seed });
  const jobs = [3, 9, 17, 40, 60].map((length) => ({ length, handle: coordinator.run({ promptIds: new Uint32Array(length).fill(7) }) }));
  for (const { length, handle } of jobs) {
    const { events, error } = await eventsOf(handle);
    expect(error).toBeUndefined();
    expect(recordOf(events).tokenIds).toEqual(Array.from({ length: 20 }, (_, index) => scriptedId(length - 1 + index)));
  }
});

it('A1: every plan names a nonce of each of its workers, fresh for every job, and the requester\'s', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  const tabs = new Map((await Promise.all([1, 2, 3].map((seed) => coordinator.join({ seed })))).map((tab) => [tab.nodeId, tab]));
  const requesterNonce = 'ab'.repeat(32) as HexHash;
  const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(() => eventsOf(coordinator.run({ requesterNonce, maxTokens: 2 }))));
  const plans = answers.map(({ events }) => recordOf(events).signed.plan);
  const named = plans.flatMap(({ stages }) => stages.map(({ worker, nonce }) => ({ worker, nonce: nonce ?? 'none' })));
  for (const { worker, nonce } of named) expect(tabs.get(worker)?.nonces.has(nonce)).toBe(true);
  expect(new Set(named.map(({ nonce }) => nonce)).size).toBe(30);
  expect(plans.every(({ nonces }) => nonces.requester === requesterNonce)).toBe(true);
});

it('A8: a job that excludes a tab runs over the spare, and a tab that is demoted serves no more', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 4 });
  for (const seed of [1, 2, 3, 4]) await coordinator.join({ seed });
  const first = recordOf((await eventsOf(coordinator.run())).events);
  const [excluded, demoted] = first.stages.map(({ worker }) => worker);
  const again = recordOf((await eventsOf(coordinator.run({ exclude: excluded === undefined ? [] : [excluded] }))).events);
  expect(again.tokenIds).toEqual(ANSWER);
  expect(again.stages).toHaveLength(3);
  expect(again.stages.map(({ worker }) => worker)).not.toContain(excluded);
  if (demoted === undefined) throw new Error('one stage only');
  await coordinator.standings.failed(demoted);
  const last = recordOf((await eventsOf(coordinator.run())).events);
  expect(last.stages.map(({ worker }) => worker)).not.toContain(demoted);
  expect((await coordinator.standings.nodes()).filter(({ state }) => state === 'demoted').map(({ node_id }) => node_id)).toEqual([demoted]);
  expect(coordinator.errors).toEqual([]);
});

it('an answer ends at a stop id, which is its last token', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  for (const seed of [1, 2, 3]) await coordinator.join({ seed });
  const record = recordOf((await eventsOf(coordinator.run({ stopIds: [scriptedId(24)] }))).events);
  expect(record.finish).toBe('stop');
  expect(record.tokenIds).toEqual([20, 21, 22, 23, 24].map(scriptedId));
  expect(record.stages.map((stage) => stage.paidPositions)).toEqual([25, 25, 25]);
});

it('a client that stops is given and charged what it saw, although the ring was further', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  for (const seed of [1, 2, 3]) await coordinator.join({ seed });
  const handle = coordinator.run({ maxTokens: 2_000 });
  let seen = 0;
  const { events } = await eventsOf(handle, (event) => {
    if (event.type === 'token' && ++seen === 5) handle.stop('cancelled');
  });
  const record = recordOf(events);
  expect(record.finish).toBe('cancelled');
  expect(record.tokenIds.length).toBeGreaterThanOrEqual(5);
  for (const stage of record.stages) {
    expect(stage.root).toBeDefined();
    expect(stage.paidPositions).toBe(21 + record.tokenIds.length - 1);
  }
});

it('G2: a tab that goes away in the middle ends the job as moved, recorded without its root, and the spare answers the next', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 4 });
  for (const seed of [1, 2, 3, 4]) await coordinator.join({ seed });
  const handle = coordinator.run({ maxTokens: 2_000 });
  let victim: string | undefined;
  const { events, error } = await eventsOf(handle, (event) => {
    if (event.type === 'assigned') victim = event.signed.plan.stages[1]?.worker;
    if (event.type === 'token' && event.position === 25) [...coordinator.workers.values()].find((worker) => worker.nodeId === victim)?.vanish();
  });
  expect(error).toBeUndefined();
  expect(events.find(({ type }) => type === 'finished')).toMatchObject({ reason: 'moved', lost: { code: 'worker-lost', fields: { worker: victim, stage: 1 } } });
  const moved = recordOf(events);
  expect([moved.finish, ...moved.stages.map(({ root }) => root !== undefined)]).toEqual(['moved', true, false, true]);
  const next = recordOf((await eventsOf(coordinator.run())).events);
  expect(next.tokenIds).toEqual(ANSWER);
  expect(next.stages.map((stage) => stage.worker)).not.toContain(victim);
});

it('a unit with a forged receipt is not paid, and the job is recorded all the same', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3, collectMs: 1_000 });
  const forger = await coordinator.join({ seed: 1, misbehaviour: { forgeReceipts: true } });
  for (const seed of [2, 3]) await coordinator.join({ seed });
  const record = recordOf((await eventsOf(coordinator.run())).events);
  for (const stage of record.stages) {
    const forged = stage.worker === forger.nodeId;
    expect(stage.paidPositions).toBe(forged ? 0 : 40);
    expect(stage.units.every((unit) => unit.receiptValid === !forged)).toBe(true);
  }
  await forger.message('dropped');
});

it('a last stage that passes other ids round the ring than it reports is not paid', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  for (const seed of [1, 2, 3]) await coordinator.join({ seed, misbehaviour: { lyingIds: true } });
  const record = recordOf((await eventsOf(coordinator.run())).events);
  expect(record.stages.map((stage) => stage.paidPositions)).toEqual([40, 40, 16]);
});

it('tokens that are repeated, out of place or of unknown jobs change nothing', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  for (const seed of [1, 2, 3]) await coordinator.join({ seed, misbehaviour: { babble: true } });
  const { events } = await eventsOf(coordinator.run({ maxTokens: 5 }));
  expect(recordOf(events).tokenIds).toEqual(ANSWER.slice(0, 5));
});

it('a stage that sends other rows on than it commits to is not paid, and its neighbour says so', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  const liar = await coordinator.join({ seed: 1, misbehaviour: { lyingRows: true }, profile: { layerMs: 0.5 } });
  for (const seed of [2, 3]) await coordinator.join({ seed });
  const record = recordOf((await eventsOf(coordinator.run())).events);
  const stage = record.stages.findIndex(({ worker }) => worker === liar.nodeId);
  expect(stage).toBeLessThan(2);
  expect(record.stages.map(({ paidPositions }) => paidPositions)).toEqual([0, 1, 2].map((index) => (index === stage ? 0 : 40)));
  expect(record.disagreements).toEqual([0, 1, 2].map((unit) => ({ stage, unit, by: record.stages[stage + 1]?.worker })));
});
