import { expect, it } from 'vitest';
import { headBytes } from '@ciro/core/ledger/head.ts';
import { generateCoordinatorKey } from '../keys/coordinator-key.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { FakeWorkers, nodeId } from '../scheduler/workers.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { HEAD_AFTER_CREDIT_MS, HEAD_INTERVAL_MS, HeadPublisher } from './head-publisher.ts';
import { Ledger } from './ledger.ts';
import { MemoryLedgerStore } from './memory-ledger-store.fixture.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';

/** `key`: one that signs at once, since real signatures take the time that they take. */
function setup(key: Pick<CoordinatorKey, 'sign'> = { sign: async () => 'ab'.repeat(64) }) {
  const clock = new VirtualClock();
  const workers = new FakeWorkers();
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => 1_000 });
  const errors: unknown[] = [];
  const publisher = new HeadPublisher({ clock, ledger, key, workers, onError: (error) => errors.push(error) }, { network: 'ciro-test' });
  const heads = (n: number) => workers.sentOf('head', nodeId(n)).map(({ head }) => head);
  /** Runs what is due, then lets promises settle. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, workers, store, ledger, errors, publisher, heads, pass };
}

it('B1: every worker is sent the signed head once a minute, whether anything was booked or not', async () => {
  const { clock, workers, store, ledger, heads, pass } = setup();
  await ledger.start();
  workers.join(1);
  workers.join(2);
  await pass(0);
  await pass(HEAD_INTERVAL_MS - HEAD_AFTER_CREDIT_MS);
  const joined = heads(1).length;
  await pass(HEAD_AFTER_CREDIT_MS);
  await pass(HEAD_INTERVAL_MS);
  expect([heads(1).length - joined, heads(2).length - joined]).toEqual([2, 2]);
  const head = heads(2).at(-1);
  expect(head?.body).toEqual({ network: 'ciro-test', sequence: 0, hash: store.entries[0]?.hash, at: clock.now() });
});

it('B1: a head is signed by the coordinator\'s key, over its network, number, hash and time', async () => {
  const key = await generateCoordinatorKey();
  const { ledger, publisher } = setup(key);
  await ledger.start();
  const head = await publisher.signed();
  if (head === undefined) throw new Error('no head');
  expect(await verifySignature(key.publicKey, headBytes(head.body), head.signature)).toBe(true);
  expect(await verifySignature(key.publicKey, headBytes({ ...head.body, hash: 'f'.repeat(64) as HexHash }), head.signature)).toBe(false);
});

it('B1: a credited worker is sent a head that covers its credit, at most once a second, and nobody else is', async () => {
  const { workers, ledger, heads, pass, publisher } = setup();
  await ledger.start();
  workers.join(1);
  workers.join(2);
  await pass(2 * HEAD_AFTER_CREDIT_MS);
  const before = heads(1).length;
  for (let n = 0; n < 5; n++) {
    await ledger.openTrial(`account-${n}`);
    publisher.credited(nodeId(1));
    await pass(100);
  }
  expect(heads(1)).toHaveLength(before + 1);
  await pass(HEAD_AFTER_CREDIT_MS);
  expect(heads(1)).toHaveLength(before + 2);
  expect(heads(1).at(-1)?.body.sequence).toBe(5);
  expect(heads(2)).toHaveLength(before);
  await pass(5 * HEAD_AFTER_CREDIT_MS);
  expect(heads(1)).toHaveLength(before + 2);
});

it('an empty ledger has no head; one that cannot be read is reported and read again', async () => {
  const { workers, ledger, errors, heads, pass, publisher, store } = setup();
  workers.join(1);
  await pass(HEAD_INTERVAL_MS);
  expect([heads(1), await publisher.signed()]).toEqual([[], undefined]);
  await ledger.start();
  store.end = () => Promise.reject(new Error('no disk'));
  await pass(HEAD_INTERVAL_MS);
  expect([heads(1).length, errors.length]).toEqual([0, 1]);
  store.end = () => Promise.resolve({ sequence: 1, hash: 'ab'.repeat(32) });
  await pass(HEAD_INTERVAL_MS);
  expect(heads(1)).toMatchObject([{ body: { sequence: 0, hash: 'ab'.repeat(32) } }]);
});

it('closing leaves no timer', async () => {
  const { clock, workers, publisher } = setup();
  workers.join(1);
  publisher.credited(nodeId(1));
  publisher.close();
  publisher.credited(nodeId(1));
  expect(clock.pending).toBe(0);
});
