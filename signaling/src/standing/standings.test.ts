import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { FakeWorkers, nodeId } from '../scheduler/workers.fixture.ts';
import { withUpdate } from '../sessions/node-records.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { MemoryStandingStore } from './memory-standing-store.fixture.ts';
import { Standings } from './standings.ts';
import type { NodeUpdate, StoredNode } from '../sessions/node-records.ts';

const DAY_MS = 86_400_000;

class Connected extends FakeWorkers {
  readonly #records = new Map<NodeId, StoredNode>();

  note(n: number, update: Partial<NodeUpdate> = {}): void {
    const id = nodeId(n);
    const nothing = { nodeId: id, publicKey: `0x${n}`, at: 1_000_000, connectedMs: 0, latencyTotalMs: 0, latencySamples: 0, computeContributed: 0, jobsServed: 0, jobsFailed: 0 };
    this.#records.set(id, withUpdate(this.#records.get(id), { ...nothing, ...update }));
  }
  async records(): Promise<StoredNode[]> {
    return [...this.#records.values()];
  }
  async record(id: NodeId): Promise<StoredNode | undefined> {
    return this.#records.get(id);
  }
}

async function setup() {
  const clock = new VirtualClock();
  const workers = new Connected();
  const store = new MemoryStandingStore();
  const errors: unknown[] = [];
  const open = (): Promise<Standings> => Standings.open({ store, clock, workers, onError: (error) => errors.push(error) });
  const standings = await open();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { clock, workers, store, errors, open, standings, turn };
}

it('a node never seen has zeros and was first seen now; asking does not make it known', async () => {
  const { clock, standings, store } = await setup();
  expect(await standings.of(nodeId(1))).toMatchObject({ passed: 0, successfulAudits: 0, failedAudits: 0, suspicion: 0, demotedAt: null, firstSeen: clock.now() });
  expect(store.standings.size).toBe(0);
});

it('A3: a node is first seen when it joins, and stays so', async () => {
  const { clock, standings, workers, turn } = await setup();
  const [joined, id] = [clock.now(), workers.join(1)];
  await turn();
  clock.advance(3 * DAY_MS);
  workers.leave(id);
  workers.join(1);
  await turn();
  expect((await standings.of(id)).firstSeen).toBe(joined);
});

it('passed stage-jobs and audits are counted; suspicion is what the last one left', async () => {
  const { standings } = await setup();
  await standings.passed(nodeId(1), { audited: false, suspicion: 0 });
  await standings.passed(nodeId(1), { audited: true, suspicion: 2.5 });
  expect(await standings.passed(nodeId(1), { audited: true, suspicion: 2 })).toMatchObject({ passed: 3, successfulAudits: 2, failedAudits: 0, suspicion: 2, demotedAt: null });
  expect(await standings.misjudged(nodeId(1))).toMatchObject({ passed: 3, successfulAudits: 2, failedAudits: 1, suspicion: 2, demotedAt: null });
});

it('A8: a failed node is demoted at once and for good, over a restart, and listeners hear of it once', async () => {
  const { clock, standings, store, open } = await setup();
  const heard: NodeId[] = [];
  standings.onDemoted((node) => heard.push(node));
  const failing = standings.failed(nodeId(1));
  expect(standings.isDemoted(nodeId(1))).toBe(true);
  const demotedAt = clock.now();
  expect(await failing).toMatchObject({ failedAudits: 1, demotedAt, reputation: 0 });
  clock.advance(DAY_MS);
  expect(await standings.failed(nodeId(1))).toMatchObject({ failedAudits: 2, demotedAt });
  await standings.passed(nodeId(1), { audited: false, suspicion: 0 });
  expect(heard).toEqual([nodeId(1)]);
  expect([standings.isDemoted(nodeId(2)), (await open()).isDemoted(nodeId(1))]).toEqual([false, true]);
  expect(store.standings.get(nodeId(1))?.demotedAt).toBe(demotedAt);
});

it('A8: a demoted node that was not known at the start is known a moment after it joined', async () => {
  const { standings, store, workers, turn } = await setup();
  await store.change(nodeId(1), { demotedAt: 5 }, 5);
  const heard: NodeId[] = [];
  standings.onDemoted((node) => heard.push(node));
  workers.join(1);
  await turn();
  expect([heard, standings.isDemoted(nodeId(1))]).toEqual([[nodeId(1)], true]);
});

it('reputation follows the record and the others here: failed jobs, failed audits and slowness cost', async () => {
  const { standings, workers, turn } = await setup();
  workers.note(2, { jobsServed: 30, connectedMs: 500_000 });
  workers.note(3, { jobsServed: 30, jobsFailed: 60, connectedMs: 500_000 });
  for (const n of [1, 2, 3, 4]) workers.join(n);
  workers.join(5, { layerMs: 4 });
  await turn();
  await standings.misjudged(nodeId(4));
  const of = standings.reputations(workers.workers());
  const [newcomer = 0, good = 0, bad = 0, misjudged = 0, slow = 0] = [1, 2, 3, 4, 5].map((n) => of.get(nodeId(n)));
  expect(good).toBeGreaterThan(newcomer);
  for (const worse of [bad, misjudged, slow]) expect(worse).toBeLessThan(newcomer);
  expect((await standings.of(nodeId(2))).reputation).toBe(good);
});

it('/v1/nodes shows audits, reputation and state of every node, connected or not', async () => {
  const { standings, workers, turn } = await setup();
  for (const n of [1, 2, 3]) workers.note(n);
  workers.join(1);
  await turn();
  await standings.passed(nodeId(1), { audited: true, suspicion: 0 });
  await standings.failed(nodeId(2));
  const nodes = await standings.nodes();
  expect(nodes.map(({ node_id, audits, successful_audits, failed_audits, state }) => [Number.parseInt(node_id, 16), audits, successful_audits, failed_audits, state])).toEqual([[1, 1, 1, 0, 'active'], [2, 1, 0, 1, 'demoted'], [3, 0, 0, 0, 'active']]);
  expect(nodes.map(({ reputation }) => reputation > 0)).toEqual([true, false, true]);
});

it('a standing that cannot be read when its node joins is reported and disturbs nothing', async () => {
  const { standings, store, workers, errors, turn } = await setup();
  store.failing = true;
  workers.join(1);
  await turn();
  expect(errors).toMatchObject([{ message: 'no disk' }]);
  expect(standings.reputations(workers.workers()).get(nodeId(1))).toBeGreaterThan(0);
  store.failing = false;
  expect(await standings.passed(nodeId(1), { audited: false, suspicion: 0 })).toMatchObject({ passed: 1 });
});

it('Q4: an acquittal takes one failed audit and the demotion back, once for its name; who is convicted elsewhere stays demoted', async () => {
  const { standings, open } = await setup();
  const [one, two] = [nodeId(1), nodeId(2)];
  await standings.failed(one);
  await standings.failed(one);
  await standings.failed(two);
  expect(await standings.acquitted(one, 'first', true)).toMatchObject({ failedAudits: 1 });
  expect(standings.isDemoted(one)).toBe(true);
  for (let again = 0; again < 2; again++) expect(await standings.acquitted(one, 'second', false)).toMatchObject({ failedAudits: 0, demotedAt: null });
  expect([standings.isDemoted(one), standings.isDemoted(two)]).toEqual([false, true]);
  // Convicted again: a ruling of before changes nothing about that.
  await standings.failed(one);
  expect(await standings.acquitted(one, 'second', false)).toMatchObject({ failedAudits: 1, demotedAt: expect.any(Number) });
  expect(standings.isDemoted(one)).toBe(true);
  expect((await open()).isDemoted(one)).toBe(true);
});
