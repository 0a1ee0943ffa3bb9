import { beforeAll, expect, it } from 'vitest';
import { textHash } from '@ciro/core/dispute/case-file.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { Disputes } from '@ciro/signaling/disputes/disputes.ts';
import { MemoryCourt, OURS } from '@ciro/signaling/disputes/memory-court.fixture.ts';
import { MemoryDisputeStore } from '@ciro/signaling/disputes/memory-dispute-store.fixture.ts';
import { VirtualClock } from '@ciro/signaling/sessions/virtual-clock.fixture.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { Charge } from '@ciro/signaling/disputes/court-port.ts';
import type { DisputeEvent } from '@ciro/signaling/disputes/disputes.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { NodeId } from '@ciro/core/ids.ts';

const SEED = 815;
const STAGE = 1;
let evidence: Evidence;
let accused: string;
beforeAll(async () => {
  await using network = await ToyNetwork.open({ seed: SEED, stages: 2 });
  const made = await toyEvidence(network, { messages: [{ role: 'user', content: 'hello' }], maxTokens: 3 }, {}, { rows: (stage, rows) => (stage === STAGE ? rows.map((value) => value + 0.01) : rows) });
  const { request: _request, answer_text: _text, timings: _timings, ...rest } = made.file;
  evidence = rest;
  accused = payoutAddress(network.workers[STAGE]?.identityPublicKey ?? '');
});

/** A conviction, a court, and the service over both; `restart` makes it anew. */
function setUp(stake: bigint | null = 100n) {
  const court = new MemoryCourt();
  if (stake !== null) court.stakes.set(accused, stake);
  const store = new MemoryDisputeStore();
  const worker = evidence.stages[STAGE]?.worker as NodeId;
  store.convictions.push({ job: evidence.job, stage: STAGE, worker });
  const events: DisputeEvent[] = [];
  const errors: unknown[] = [];
  // Both booked once for their names, as ledger and standings do.
  const restored = new Set<string>();
  const acquitted = new Map<string, boolean>();
  const known = { current: evidence as Evidence | { readonly why: string } | undefined };
  const restart = (confirmations = 0): Disputes =>
    new Disputes(
      {
        clock: new VirtualClock(),
        court,
        pool: court,
        store,
        evidenceOf: async () => known.current,
        restored: async (job, node) => {
          court.crash('before restored');
          restored.add(`${job}:${node}`);
          court.crash('after restored');
        },
        acquitted: async (node, name, stays) => {
          court.crash('before acquitted');
          acquitted.set(`${node}:${name}`, stays);
          court.crash('after acquitted');
        },
        onEvent: (event) => void events.push(event),
        onError: (error) => void errors.push(error),
      },
      { confirmations },
    );
  return { court, store, events, errors, restored, acquitted, restart, worker, known };
}

it('Q3, Q4: a conviction becomes one case with its file; votes for guilty end it with the slash and its transaction noted, and nothing given back', async () => {
  const { court, store, events, restored, restart } = setUp();
  for (let look = 0; look < 3; look++) {
    await restart().step();
    court.mine();
  }
  expect(court.cases).toMatchObject([{ kind: 'worker', accused, challenger: OURS, state: 'open' }]);
  const [dispute] = await store.list(1);
  const text = await store.text(dispute?.hash as never);
  expect(textHash(text ?? '')).toBe(dispute?.hash);
  expect(court.cases[0]).toMatchObject({ ref: dispute?.ref, evidence: dispute?.evidence });
  await restart().step();
  expect(court.cases[0]?.state).toBe('open');
  court.ruleBy(1, true);
  for (let look = 0; look < 3; look++) {
    await restart().step();
    court.mine();
  }
  expect(await store.list(1)).toMatchObject([{ state: 'closed', ruling: { guilty: true, slashed: 50n, transaction: '0xf1' }, transaction: '0xf1' }]);
  expect(events.map(({ type }) => type)).toEqual(['noted', 'sent', 'opened', 'finalising', 'guilty']);
  expect([restored.size, court.paid.get(OURS)]).toEqual([0, 0n]);
});

it('Q4: a vote for not guilty gives the worker everything back and the bond; who is convicted elsewhere stays demoted', async () => {
  for (const elsewhere of [false, true]) {
    const { court, store, events, restored, acquitted, restart, worker } = setUp();
    if (elsewhere) store.convictions.push({ job: 'f'.repeat(32) as never, stage: 0, worker });
    await restart().step();
    court.mine();
    court.ruleBy(1, false);
    for (let look = 0; look < 3; look++) {
      await restart().step();
      court.mine();
    }
    expect(events.at(-1)?.type).toBe('acquitted');
    expect([[...restored], [...acquitted]]).toEqual([[`${evidence.job}:${worker}`], [[`${worker}:${evidence.job}:${STAGE}`, elsewhere]]]);
    expect([court.paid.get(OURS), court.paid.get(accused)]).toEqual([10n, -10n]);
  }
});

it('Q4: where nobody votes the time ends the case: the bond is the worker\'s, and the audits\' quorum stands', async () => {
  const { court, store, restored, events, restart } = setUp();
  await restart().step();
  court.mine();
  await restart().step();
  court.pass(119);
  await restart().step();
  court.mine();
  expect(court.cases[0]?.state).toBe('open');
  court.pass(1);
  for (let look = 0; look < 2; look++) {
    await restart().step();
    court.mine();
  }
  expect(await store.list(1)).toMatchObject([{ state: 'closed', ruling: { guilty: false, byTimeout: true } }]);
  expect([events.at(-1)?.type, restored.size, court.paid.get(accused)]).toEqual(['lapsed', 0, -10n]);
});

it('Q3: no case without a stake or without the rows; none before the job is settled; and none is taken for ours that somebody else opened', async () => {
  const unstaked = setUp(null);
  await unstaked.restart().step();
  expect(await unstaked.store.list(1)).toMatchObject([{ state: 'unopened', note: 'the worker has nothing at stake on the chain' }]);
  const bare = setUp();
  const { pieces: _pieces, ...without } = evidence;
  bare.known.current = without;
  await bare.restart().step();
  expect(await bare.store.list(1)).toMatchObject([{ state: 'unopened', hash: null }]);
  expect(bare.court.cases).toEqual([]);
  const gone = setUp();
  gone.known.current = { why: 'the model is not served any more' };
  await gone.restart().step();
  expect(await gone.store.list(1)).toMatchObject([{ state: 'unopened', note: 'the model is not served any more' }]);

  const { store, restart, known } = setUp();
  known.current = undefined;
  await restart().step();
  expect(await store.list(1)).toEqual([]);
  known.current = evidence;
  // The accused has a friend who accuses it first, of the same job, with evidence that is none.
  await restart().step();
  const [noted] = await store.list(1);
  const friend = setUp();
  const charge: Charge = { kind: 'worker', accused, ref: noted?.ref ?? '', evidence: '0xbad' };
  friend.court.openAs('0xf00', charge);
  await friend.restart().step();
  friend.court.mine();
  await friend.restart().step();
  expect(friend.court.cases).toMatchObject([{ challenger: '0xf00', state: 'open' }, { challenger: OURS, state: 'open' }]);
  expect(await friend.store.list(1)).toMatchObject([{ state: 'opened', caseId: 2 }]);
});

it('Q3: a case that a reorganisation took is opened again; a ruling counts when it lies deep enough', async () => {
  const { court, store, restored, restart } = setUp();
  await restart().step();
  court.mine();
  await restart().step();
  court.forget(1);
  for (let look = 0; look < 3; look++) {
    await restart(5).step();
    court.mine();
  }
  expect(court.cases).toHaveLength(1);
  court.ruleBy(1, false);
  for (let look = 0; look < 3; look++) {
    await restart(5).step();
    court.mine();
  }
  expect([court.cases[0]?.state, restored.size]).toEqual(['not guilty', 0]);
  for (let block = 0; block < 5; block++) court.pass(1);
  await restart(5).step();
  expect([(await store.list(1))[0]?.state, restored.size]).toEqual(['closed', 1]);
});

it.each([true, false])('Q3: it may end before and after every single call: one case, one outcome (guilty: %s)', async (guilty) => {
  let calls = Infinity;
  for (let stopAt = 0; stopAt < calls; stopAt++) {
    const { court, store, restored, acquitted, restart } = setUp();
    let seen = 0;
    let crashed = false;
    court.crash = (at) => {
      if (crashed) throw new Error('ended');
      if (seen++ !== stopAt) return;
      crashed = true;
      throw new Error(`ended ${at}`);
    };
    for (let look = 0; look < 8; look++) {
      await restart().step();
      crashed = false;
      court.mine();
      if (court.cases[0]?.state === 'open' && court.cases[0].guiltyVotes + court.cases[0].notGuiltyVotes === 0) court.ruleBy(1, guilty);
    }
    calls = Math.min(calls, Math.max(seen, 1));
    expect(court.cases.map(({ state }) => state), `ended at call ${stopAt}`).toEqual([guilty ? 'guilty' : 'not guilty']);
    expect((await store.list(1))[0]?.state, `ended at call ${stopAt}`).toBe('closed');
    expect([restored.size, acquitted.size]).toEqual(guilty ? [0, 0] : [1, 1]);
  }
});
