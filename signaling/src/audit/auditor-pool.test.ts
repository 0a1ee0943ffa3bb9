import { expect, it } from 'vitest';
import type { HexHash } from '@ciro/core/ids.ts';
import { FakeWorkers, nodeId } from '../scheduler/workers.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { FakeStandings } from './audit-network.fixture.ts';
import { AUDITOR_REST_MS, AUDITOR_WAIT_MS, MAX_CANDIDATES } from './audit-limits.ts';
import { AuditorPool } from './auditor-pool.ts';

const DAY_MS = 86_400_000;
const BEACON = 'f'.repeat(64) as HexHash;
const signal = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setup(count: number) {
  const clock = new VirtualClock(1_700_000_000_000);
  const workers = new FakeWorkers();
  const standings = new FakeStandings(clock);
  for (let n = 1; n <= count; n++) workers.join(n);
  return { clock, workers, standings, pool: new AuditorPool({ clock, workers, standings }) };
}

it('A3: candidates are the connected workers that are no party and not demoted, by node id, with one for each day they are known', async () => {
  const { clock, standings, pool } = setup(6);
  standings.set(nodeId(3), { firstSeen: clock.now() - 7.5 * DAY_MS });
  standings.set(nodeId(4), { firstSeen: clock.now() - 400 * DAY_MS });
  await standings.failed(nodeId(5));
  expect(await pool.candidates([nodeId(1), nodeId(2)], BEACON)).toEqual([{ worker: nodeId(3), weight: 8 }, { worker: nodeId(4), weight: 31 }, { worker: nodeId(6), weight: 1 }]);
});

it('A3: a list that is too long is cut at a place that the beacon gives', async () => {
  const { pool } = setup(MAX_CANDIDATES + 10);
  const at = (n: number): HexHash => `${nodeId(n)}${'0'.repeat(24)}` as HexHash;
  const [low, high] = [await pool.candidates([], at(1)), await pool.candidates([], at(MAX_CANDIDATES + 6))];
  expect([low.length, high.length]).toEqual([MAX_CANDIDATES, MAX_CANDIDATES]);
  expect([low[0]?.worker, low.at(-1)?.worker]).toEqual([nodeId(1), nodeId(MAX_CANDIDATES)]);
  expect([high[0]?.worker, high.at(-1)?.worker]).toEqual([nodeId(1), nodeId(MAX_CANDIDATES + 10)]);
  expect(high.map(({ worker }) => worker)).toEqual(high.map(({ worker }) => worker).toSorted());
});

it('a worker does one audit at a time: the next in the order is taken, and when all are busy one is waited for', async () => {
  const { clock, pool } = setup(2);
  const order = [nodeId(2), nodeId(1)];
  expect([await pool.take(order, signal), await pool.take(order, signal)]).toEqual([nodeId(2), nodeId(1)]);
  const third = pool.take(order, signal);
  pool.free(nodeId(1), false);
  expect(await third).toBe(nodeId(1));
  const fourth = pool.take(order, signal);
  await turn();
  clock.advance(AUDITOR_WAIT_MS);
  expect(await fourth).toBeUndefined();
  expect(clock.pending).toBe(0);
});

it('nobody is waited for who is not there; who was silent rests', async () => {
  const { clock, workers, pool } = setup(2);
  expect(await pool.take([nodeId(9)], signal)).toBeUndefined();
  await pool.take([nodeId(1)], signal);
  pool.free(nodeId(1), true);
  expect(await pool.take([nodeId(1)], signal)).toBeUndefined();
  expect((await pool.candidates([], BEACON)).map(({ worker }) => worker)).toEqual([nodeId(2)]);
  clock.advance(AUDITOR_REST_MS);
  expect(await pool.take([nodeId(1)], signal)).toBe(nodeId(1));
  // Waiting for a busy one that leaves is over at once.
  const waiting = pool.take([nodeId(1)], signal);
  workers.leave(nodeId(1));
  pool.changed();
  expect(await waiting).toBeUndefined();
});
