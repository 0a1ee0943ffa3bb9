import { expect, it } from 'vitest';
import { checkPerformance } from '@ciro/core/settlement/check-performance.ts';
import { climb } from '@ciro/core/settlement/epoch-tree.ts';
import { performanceTree } from '@ciro/core/settlement/performance.ts';
import { RESEND_AFTER_MS } from './epoch-outbox.ts';
import { EVERY_MS, SettledNetwork, WORKERS } from './settled-network.fixture.ts';
import { threadedPerformance } from './threaded-performance.ts';
import { TOUCHED_AT_A_TIME } from './worker-touches.ts';

const HOUR_MS = 3_600_000;
const account = (worker: number): string => WORKERS[worker]?.account ?? '';

/** A network of two workers that did something and one that only came by, with an epoch on the chain. */
async function settled(crash?: (step: string) => void): Promise<SettledNetwork> {
  const network = new SettledNetwork(crash === undefined ? {} : { crash });
  network.sees(0, { jobs: 4, auditsPassed: 1 });
  network.sees(1, { auditsFailed: 2 });
  network.sees(2);
  await network.earn(10, 20);
  return network;
}

it('X11: with a settled epoch, what each worker did in all is stored, published and posted once; who did nothing is left out', async () => {
  const network = await settled();
  await network.run(6);
  const data = await network.settlement.performance(1);
  expect(data?.entries).toEqual(
    [
      { worker: account(0), jobs: 4, audits_passed: 1, audits_failed: 0, last_seen: 1_000 },
      { worker: account(1), jobs: 0, audits_passed: 0, audits_failed: 2, last_seen: 1_000 },
    ].sort((a, b) => (BigInt(a.worker) < BigInt(b.worker) ? -1 : 1)),
  );
  expect(network.pool.epochs.get(1)).toEqual({ root: data?.root, count: 2, depth: 1 });
  expect(network.pool.sent).toBe(1);
  expect(checkPerformance({ epoch: 1, chain_id: network.pool.chainId }, data)).toMatchObject({ state: 'ok' });
  expect(network.errors).toEqual([]);
});

it('X11: a worker is given what prove_active wants, also after a restart; no other epoch and no stranger has a proof', async () => {
  const network = await settled();
  await network.run(6);
  const data = await network.settlement.performance(1);
  if (data === undefined) throw new Error('no performance');
  for (const settlement of [network.settlement, network.restart()]) {
    const proof = await settlement.performanceProof(1, account(1));
    const leaf = performanceTree(data).levels[0]?.[proof?.index ?? -1] ?? 0n;
    expect(climb(leaf, proof?.index ?? 0, (proof?.proof ?? []).map(BigInt))).toBe(BigInt(data.root));
    expect(proof).toMatchObject({ epoch: 1, pool: '0x77', worker: account(1), audits_failed: 2, root: data.root });
  }
  expect(await network.settlement.performanceProof(1, account(2))).toBeUndefined();
  expect(await network.settlement.performanceProof(2, account(1))).toBeUndefined();
});

it('X11: nothing is posted while nothing changed; the next epoch after a change has it', async () => {
  const network = await settled();
  await network.run(6);
  await network.earn(1);
  network.clock.advance(EVERY_MS);
  await network.run(6);
  expect((await network.settlement.epochs(1))[0]?.summary.epoch).toBe(2);
  expect([network.pool.sent, network.pool.epochs.has(2)]).toEqual([1, false]);
  network.sees(2, { jobs: 1 });
  await network.earn(1);
  network.clock.advance(EVERY_MS);
  await network.run(6);
  expect(network.pool.epochs.get(3)?.count).toBe(3);
});

it('X11: a crash at any step of writing and posting neither loses nor changes what is posted', async () => {
  const steps = ['add performance', 'added performance', 'mark performance', 'marked performance', 'pool record', 'pool recorded'];
  const roots = new Set<string | undefined>();
  for (const at of steps) {
    let fails = true;
    const network = await settled((step) => {
      if (!fails || !step.endsWith(at)) return;
      fails = false;
      // What workers do meanwhile is of the next epoch, if this one was stored.
      throw new Error(`crashed at ${step}`);
    });
    await network.run(4);
    expect([at, fails]).toEqual([at, false]);
    if (at !== 'add performance') network.sees(0, { jobs: 9 });
    network.restart();
    await network.run(3);
    roots.add(network.pool.epochs.get(1)?.root);
  }
  expect(roots.size).toBe(1);
});

it('X11: a transaction that got lost is sent again after its time, with the same root', async () => {
  const network = await settled();
  network.pool.loses = true;
  await network.run(6);
  expect([network.pool.sent, network.pool.epochs.size]).toEqual([1, 0]);
  network.pool.loses = false;
  network.clock.advance(RESEND_AFTER_MS);
  await network.run(2);
  expect(network.pool.sent).toBe(2);
  expect(network.pool.epochs.get(1)?.root).toBe((await network.settlement.performance(1))?.root);
});

it('X11: another root under our number is an alarm, and credits are settled all the same', async () => {
  const network = await settled();
  network.pool.epochs.set(1, { root: '0xbad', count: 1, depth: 0 });
  network.pool.record = async () => '0x1';
  await network.run(6);
  expect(network.errors).toEqual([expect.objectContaining({ code: 'foreign-root', fields: expect.objectContaining({ found: '0xbad' }) })]);
  expect(network.types()).toContain('settled');
});

it('X12: workers that are there are told to the pool once half of its time is over; strangers and those that are gone are not', async () => {
  const network = await settled();
  network.clock.advance(13 * HOUR_MS);
  const now = network.pool.now();
  network.pool.seen.set(account(0), now - 12 * 3_600 - 1).set(account(1), now - 100).set(account(3), 0);
  for (const worker of [0, 1, 2]) network.sees(worker);
  await network.run(2);
  expect(network.pool.touches).toEqual([[account(0)]]);
  // Within the hour nobody looks; then nobody is seen any more.
  network.clock.advance(30 * 3_600_000);
  await network.run(1);
  expect(network.pool.touches).toHaveLength(1);
  network.sees(1);
  network.clock.advance(HOUR_MS / 2);
  network.restart();
  await network.run(1);
  expect(network.pool.touches).toEqual([[account(0)], [account(1)]]);
  expect(TOUCHED_AT_A_TIME).toBeLessThanOrEqual(512);
});

it('X11: a thread makes the same tree', async () => {
  const entries = WORKERS.map((worker, jobs) => ({ worker: worker.account, jobs, audits_passed: 1, audits_failed: 0, last_seen: 7 }));
  const draft = { object: 'epoch.performance', chain_id: '0x1', pool: '0x2', epoch: 1, entries, depth: 3 } as const;
  expect(await threadedPerformance(draft)).toEqual(performanceTree(draft));
});
