import { expect, it } from 'vitest';
import { resultRootOf } from '@ciro/core/settlement/escrow.ts';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { makeRecord } from '../evidence/job-record.fixture.ts';
import { POOL_CREDITS } from '../ledger/ledger.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { BUDGET, DEADLINE, ESCROW, EscrowedNetwork, FUNDS, jobId } from './escrowed-network.fixture.ts';
import type { Ending } from './escrowed-network.fixture.ts';

const POOL = POOL_CREDITS * BASE_UNITS_PER_CREDIT;
/** The audit's pay, from the fee or, where that is gone, the pool. */
const AUDIT = 1n;

async function opened(crash?: (step: string) => void): Promise<EscrowedNetwork> {
  const network = new EscrowedNetwork(crash);
  await network.ledger.start();
  network.fund();
  return network;
}

it('N4, N5, N6: an escrow is started, answered, submitted with its root and its price, settled after the window, and only then are workers paid', async () => {
  const network = await opened();
  await network.serve();
  expect(await network.sums()).toMatchObject({ held: BUDGET, left: 60n, pending: 36n, payable: 0n, fee: 4n });
  await network.run(1);
  const { plan } = makeRecord({ job: jobId(1) }).signed;
  const submitted = await network.chain.job(ESCROW, 'newest');
  expect(submitted).toMatchObject({ state: 'submitted', used: 40n });
  const archived = await network.archive.find(jobId(1));
  if (archived?.state !== 'recorded') throw new TypeError('recorded');
  expect(submitted.resultRoot).toBe(resultRootOf(ESCROW, [{ job: plan.job, planHash: archived.record.planHash, roots: ['0x1', '0x1', '0x1'] }]));
  expect((await network.sums()).payable).toBe(0n);
  await network.run(2);
  expect(network.events.map((event) => (event.type === 'sent' ? `sent ${event.step}` : event.type))).toEqual(['accepted', 'sent start', 'started', 'answered', 'sent submit', 'sent settle', 'settled']);
  expect(await network.sums()).toEqual({ client: FUNDS - 40n, held: 0n, sink: 40n, left: 0n, pending: 0n, payable: 36n + AUDIT, fee: 4n - AUDIT, pool: POOL, issued: -POOL - 40n });
  await network.run(5);
  expect(network.events).toHaveLength(7);
  expect(network.errors).toEqual([]);
  await verifyChain(network.ledgerStore);
});

it('N6: an answer that nobody gave, and one that was paid back, use nothing, and all of the budget goes back', async () => {
  for (const ending of ['gone', 'wrong'] as const) {
    const network = await opened();
    await network.serve(ending);
    await network.run(4);
    expect(await network.chain.job(ESCROW, 'newest')).toMatchObject({ state: 'settled', used: 0n });
    expect(await network.sums()).toMatchObject({ client: FUNDS, held: 0n, sink: 0n, left: 0n, pending: 0n, issued: -POOL });
    expect(network.errors).toEqual([]);
  }
});

it('N7: what cannot be submitted before the deadline is refunded without its client, and nobody is paid', async () => {
  const network = await opened();
  await network.serve();
  network.pass(DEADLINE - network.chain.now + 1);
  await network.run(1, 60);
  expect((await network.chain.job(ESCROW, 'newest')).state).toBe('running');
  await network.run(3);
  expect(await network.sums()).toEqual({ client: FUNDS, held: 0n, sink: 0n, left: 0n, pending: 0n, payable: AUDIT, fee: 0n, pool: POOL - AUDIT, issued: -POOL });
  expect(network.events.at(-1)).toEqual({ type: 'refunded', escrow: ESCROW, returned: BUDGET });
});

it('N7: an answer that still runs two minutes before the deadline is ended', async () => {
  const network = await opened();
  await network.take();
  let ended = 0;
  network.desk.runs(ESCROW, () => ended++);
  network.pass(DEADLINE - network.chain.now - 120);
  await network.run(1, 1);
  expect(ended).toBe(0);
  await network.run(1);
  expect(ended).toBe(1);
});

it('N7: the court decides a disputed one: refunded, its workers get nothing; settled, they are paid', async () => {
  for (const refund of [true, false]) {
    const network = await opened();
    await network.serve();
    await network.run(1, 10);
    network.chain.dispute(ESCROW);
    await network.run(5);
    expect((await network.sums()).payable).toBe(0n);
    network.chain.resolve(ESCROW, refund);
    await network.run(2);
    expect(await network.sums()).toMatchObject(refund ? { client: FUNDS, sink: 0n, payable: AUDIT, pending: 0n, issued: -POOL } : { client: FUNDS - 40n, sink: 40n, payable: 36n + AUDIT, pending: 0n });
  }
});

it('X8, N4: nothing is booked before its block lies under enough others, and a block that is taken back is made up for', async () => {
  const network = await opened();
  await network.serve();
  await network.run(2);
  network.chain.lag = 1;
  await network.run(1);
  expect((await network.chain.job(ESCROW, 'newest')).state).toBe('settled');
  expect((await network.sums()).payable).toBe(0n);
  network.chain.reorganise(2);
  expect((await network.chain.job(ESCROW, 'newest')).state).toBe('running');
  await network.run(4);
  network.chain.lag = 0;
  await network.run(2);
  expect(await network.sums()).toMatchObject({ client: FUNDS - 40n, sink: 40n, payable: 36n + AUDIT, left: 0n });
});

it('N7: where contract and ledger differ nothing is booked, and the operator is told', async () => {
  const network = await opened();
  await network.serve();
  await network.chain.submitResult(ESCROW, '0x1', 99n);
  await network.run(3);
  expect(network.errors[0]).toMatchObject({ code: 'escrow_differs', fields: { escrow: ESCROW } });
  expect(await network.sums()).toMatchObject({ payable: 0n, pending: 36n });
});

it('N4: a start that came to nothing leaves nothing behind: the escrow may be asked for again, or cancelled', async () => {
  const network = await opened((step) => {
    if (step === 'chain start 0x7a5') throw new Error('the node is gone');
  });
  await expect(network.take()).rejects.toMatchObject({ code: 'escrow_node_silent', fault: 'platform' });
  await network.run(1, 599);
  expect(await network.store.find(ESCROW)).toBeDefined();
  await network.run(2);
  expect(await network.store.find(ESCROW)).toBeUndefined();
  expect(network.events.map(({ type }) => type)).toEqual(['accepted', 'dropped']);
  network.chain.cancel(ESCROW);
  expect(await network.sums()).toMatchObject({ client: FUNDS, held: 0n, issued: -POOL });
});

/** The process dies at its n-th step, for every n; the next one goes on over what is stored. */
it.each<Ending>(['paid', 'wrong', 'gone'])('N4: killed at each step, an answer that ends %s is neither lost nor doubled', { timeout: 120_000 }, async (ending) => {
  const places = new Set<string>();
  for (let kill = 0; ; kill++) {
    let step = 0;
    let alive = false;
    const network = await opened((what) => {
      if (!alive || step++ !== kill) return;
      alive = false;
      places.add(what);
      throw new Error(`killed at ${what}`);
    });
    alive = true;
    const killed = await network.serve(ending).then(() => network.run(3)).then(() => !alive, () => true);
    alive = false;
    await network.restart();
    await network.run(15);
    const { state, used } = await network.chain.job(ESCROW, 'newest');
    const sums = await network.sums();
    if (state === 'open') {
      // Killed before anything was sent: forgotten after a while, and its client cancels.
      network.chain.cancel(ESCROW);
      expect([await network.store.find(ESCROW), network.chain.balance('0xc1')]).toEqual([undefined, FUNDS]);
    } else {
      expect(state).toBe('settled');
      expect([0n, 40n]).toContain(used);
      expect(sums).toMatchObject({ client: FUNDS - used, held: 0n, sink: used, left: 0n, pending: 0n, issued: -POOL - used });
      // Everything that entered the ledger is with workers, fee account and pool; of the escrow's no more than the sink was paid.
      expect(sums.payable + sums.fee + sums.pool).toBe(POOL + used);
      expect((await network.store.find(ESCROW))?.state).toBe('settled');
    }
    expect(await network.ledger.openHolds()).toEqual([]);
    await verifyChain(network.ledgerStore);
    if (!killed) break;
  }
  console.info(`killed at ${places.size} kinds of steps: ${[...places].join(', ')}`);
  expect(places.size).toBeGreaterThan(ending === 'gone' ? 10 : 18);
});
