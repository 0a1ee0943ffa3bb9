import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { WORKERS } from '@ciro/signaling/settlement/settled-network.fixture.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import { ToldChain } from '../support/told-chain.ts';

/** Each process starts a database: two seconds on idle cores, ten on busy ones. */
const LIVES_MS = 240_000;
/** In the order of an epoch's life: stored, sent, pushed, and in the middle of booking what was paid; another process goes on each time. */
const STEPS = ['after close', 'after post', 'after claim', 'after append settled'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-killed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('X7, X8, M10: killed by SIGKILL at one step after the other, over a database on disk, settlement pays everything once and reconciles to the unit', { timeout: LIVES_MS }, async () => {
  const told = new ToldChain();
  for (const step of STEPS) expect([step, await told.live(folder, { step, jobs: 1 })]).toEqual([step, 'SIGKILL']);
  expect(await told.live(folder, { jobs: 2 })).toBe(0);

  const store = await openStore({ dataDir: folder, onError: (error) => expect.unreachable(error.message) });
  try {
    await verifyChain(store.ledger);
    const earned = await new Ledger(store.ledger, { now: Date.now }).earned();
    for (const [index, { node, account }] of WORKERS.slice(0, 3).entries()) {
      expect(earned.get(node)).toEqual({ payable: 0n, settled: BigInt(300 + 2 * index) });
      expect(told.chain.paid.get(account)).toBe(BigInt(300 + 2 * index));
    }
    expect(told.chain.payments.reduce((sum, { amount }) => sum + amount, 0n)).toBe(906n);
    const epochs = await store.settlement.list(9);
    expect(epochs.map(({ summary, state }) => [summary.epoch, state])).toEqual([[2, 'claimable'], [1, 'claimable']]);
    expect(told.chain.posts).toBe(2);
    expect(verifyEpoch(await store.settlement.data(2), { before: await store.settlement.data(1) }).verdict).toBe('verified');
  } finally {
    await store.close();
  }
});
