import { expect, it } from 'vitest';
import { replay } from '@ciro/core/ledger/entry.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { Ledger } from './ledger.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import { verifyChain } from './verify-chain.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';

const RATES = { promptToken: 1n, generatedToken: 4n, feeBasisPoints: 0n };
const JOB = '1'.padStart(32, '0') as JobId;
const [w1, w2] = ['w1', 'w2'] as [NodeId, NodeId];

/** Two workers with 100 and 300 base units payable. */
async function paidJob(): Promise<{ ledger: Ledger; store: MemoryLedgerStore }> {
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => 1_000 });
  await ledger.start();
  await ledger.deposit('1', 'ada', 400n);
  await ledger.hold(JOB, 'ada', 400n);
  await ledger.settle(JOB, charge(RATES, 0, 100, [{ worker: w1, layers: 1, positions: 10 }, { worker: w2, layers: 3, positions: 10 }]));
  for (const worker of [w1, w2]) await ledger.payable(JOB, worker, 0n);
  return { ledger, store };
}
const onChain = (paid: bigint) => ({ account: '0xa1', paid, credits: paid });

it('M10: what the chain has paid goes from payable to settled, and what was earned stays the same', async () => {
  const { ledger, store } = await paidJob();
  expect(await ledger.earned()).toEqual(new Map([[w1, { payable: 100n, settled: 0n }], [w2, { payable: 300n, settled: 0n }]]));
  expect([await ledger.settled(w1, onChain(60n)), await ledger.settled(w1, onChain(60n)), await ledger.settled(w1, onChain(100n))]).toEqual([60n, 0n, 40n]);
  expect((await ledger.earned()).get(w1)).toEqual({ payable: 0n, settled: 100n });
  expect(store.entries.slice(-2).map(({ kind, key }) => [kind, key])).toEqual([['settled', 'settled:0xa1:60'], ['settled', 'settled:0xa1:100']]);
  expect(replay(store.entries).get('worker:w1:settled')).toBe(100n);
  await verifyChain(store);
});

it('M10: a reading that the ledger cannot explain is an alarm, and books nothing', async () => {
  const { ledger, store } = await paidJob();
  await ledger.settled(w1, onChain(60n));
  const before = store.entries.length;
  await expect(ledger.settled(w1, onChain(59n))).rejects.toMatchObject({ code: 'duplicate', message: expect.stringContaining('look for a reorganisation') });
  await expect(ledger.settled(w1, onChain(101n))).rejects.toMatchObject({ code: 'insufficient' });
  expect(store.entries).toHaveLength(before);
});

it('M10: a correction goes back to the pool once for its name, and never what was paid', async () => {
  const { ledger, store } = await paidJob();
  const pool = replay(store.entries).get('pool') ?? 0n;
  await ledger.settled(w1, onChain(60n));
  await ledger.correct('case 7', w1, 30n);
  await ledger.correct('case 7', w1, 30n);
  expect((await ledger.earned()).get(w1)).toEqual({ payable: 10n, settled: 60n });
  expect(replay(store.entries).get('pool')).toBe(pool + 30n);
  await expect(ledger.correct('case 8', w1, 11n)).rejects.toMatchObject({ code: 'insufficient' });
  await expect(ledger.correct('case 7', w2, 30n)).rejects.toMatchObject({ code: 'duplicate' });
  await expect(ledger.correct('case 7', w1, 29n)).rejects.toMatchObject({ code: 'duplicate' });
});
