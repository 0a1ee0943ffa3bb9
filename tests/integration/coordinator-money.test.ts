import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { workerId } from '@ciro/signaling/evidence/job-record.fixture.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';
import type { Script } from '../support/scripted-runner.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const IDS = [65, 66, 67, 68, 69, 70, 71, 72];

let scripted: ScriptedCoordinator;
/** Balance before each test. */
let before: bigint;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start({ logLevel: 'silent' });
});
beforeEach(async () => {
  before = await scripted.balance();
  scripted.runner.orders.length = 0;
});
afterAll(() => rm(scripted.folder, { recursive: true }));

async function evidenceOf(response: Response): Promise<Evidence> {
  const path = `/v1/jobs/${response.headers.get('x-ciro-job')}/evidence`;
  await expect.poll(async () => (await scripted.fetch(path)).status).toBe(200);
  return (await (await scripted.fetch(path)).json()) as Evidence;
}

it('an answer costs its tokens, exactly: debit = fee + credits, the rest of the hold comes back', async () => {
  scripted.runner.script = { ids: IDS };
  const evidence = await evidenceOf(await scripted.ask({ max_tokens: 50 }));
  const debit = price(LAUNCH_RATES, evidence.prompt_tokens, IDS.length);
  const credits = evidence.ledger.credits.map(({ amount }) => BigInt(amount));
  expect(evidence.ledger).toMatchObject({ debit: String(debit), held: String(price(LAUNCH_RATES, evidence.prompt_tokens, 50)), credits: [1, 2, 3].map((n) => ({ worker: workerId(n), status: 'pending' })) });
  expect(credits.reduce((sum, amount) => sum + amount, BigInt(evidence.ledger.fee))).toBe(debit);
  expect(new Set(credits).size).toBe(1);
  expect(await scripted.balance()).toBe(before - debit);
});

it('what fails costs nothing, before the first token and in the middle', async () => {
  const error = new SchedulerError('stalled', 'no token for 30 s', { fault: 'timeout' });
  for (const tokens of [0, 3]) {
    scripted.runner.script = { ids: IDS, failAfter: { tokens, error } };
    const response = await scripted.ask();
    expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'stalled' } }]);
    await expect.poll(() => scripted.balance()).toBe(before);
    const evidence = await scripted.fetch(`/v1/jobs/${scripted.runner.orders.at(-1)?.job}/evidence`);
    expect([evidence.status, await evidence.json()]).toMatchObject([409, { error: { code: 'job_failed', message: expect.stringContaining('no token for 30 s') } }]);
  }
});

it('an unforeseen error in the middle shows nothing of itself and costs nothing', async () => {
  scripted.runner.script = {
    ids: IDS,
    gate: (step) => {
      if (step === 2) throw new TypeError('secret detail');
    },
  };
  const response = await scripted.ask();
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ error: { message: 'an error in the coordinator; nothing was charged: try again', type: 'server_error', param: null, code: 'internal_error' } });
  await expect.poll(() => scripted.balance()).toBe(before);
});

it('a client that leaves pays for the tokens that were generated', async () => {
  const stop = new AbortController();
  scripted.runner.script = {
    ids: IDS,
    gate: async (step) => {
      if (step !== 3) return;
      stop.abort();
      await sleep(200);
    },
  };
  await expect(scripted.ask({}, { signal: stop.signal })).rejects.toThrow('abort');
  const prompt = scripted.runner.orders[0]?.promptIds.length ?? 0;
  await expect.poll(() => scripted.balance()).toBe(before - price(LAUNCH_RATES, prompt, 3));
});

it('without acknowledged work nothing is charged', async () => {
  scripted.runner.script = { ids: IDS, change: (record) => ({ ...record, stages: record.stages.map((stage) => ({ ...stage, paidPositions: 0 })) }) };
  const evidence = await evidenceOf(await scripted.ask());
  expect(evidence.ledger).toMatchObject({ debit: '0', fee: '0', credits: [{ amount: '0' }, { amount: '0' }, { amount: '0' }] });
  expect(await scripted.balance()).toBe(before);
});

it('after many answers at once, some failing, the ledger verifies, no hold is open, and a restart goes on from there', async () => {
  const scripts: Script[] = [
    { ids: IDS },
    { ids: IDS.slice(0, 3) },
    { ids: IDS, failAfter: { tokens: 2, error: new SchedulerError('worker-lost', 'gone', { fault: 'platform' }) } },
    { ids: IDS, gate: () => sleep(2) },
  ];
  const asked = Array.from({ length: 16 }, (_, n) => {
    scripted.runner.script = { ids: IDS };
    return sleep(n * 3).then(() => {
      scripted.runner.script = scripts[n % scripts.length] ?? { ids: [] };
      return scripted.ask({ max_tokens: 20, stream: n % 2 === 0 }).then((response) => response.text());
    });
  });
  await Promise.all(asked);
  // Closing waits for the last records and charges.
  await scripted.coordinator.close();
  const { trialKey, network } = scripted.coordinator;
  const { folder } = scripted;

  const store = await openStore({ dataDir: join(folder, 'data'), onError: (error) => expect.unreachable(error.message) });
  expect(await store.ledger.openHolds()).toEqual([]);
  await verifyChain(store.ledger);
  const balances = await store.ledger.allBalances();
  expect([...balances.values()].reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
  const workers = [1, 2, 3].map((n) => balances.get(`worker:${workerId(n)}:pending`) ?? 0n);
  const spent = [balances.get('fee') ?? 0n, ...workers].reduce((sum, amount) => sum + amount, 0n);
  expect(spent).toBeGreaterThan(0n);
  await store.close();

  scripted = await ScriptedCoordinator.start({ folder });
  expect(scripted.coordinator).toMatchObject({ trialKey, network });
  expect(await scripted.balance()).toBe(TRIAL - spent);
});

it('closing cancels what runs, tells the client, and gives the hold back', async () => {
  const { promise: running, resolve: started } = Promise.withResolvers<void>();
  scripted.runner.script = {
    ids: IDS,
    gate: async (step) => {
      if (step !== 'first') return;
      started();
      await sleep(100);
    },
  };
  const asking = scripted.ask({ stream: true });
  await running;
  await Promise.all([scripted.coordinator.close(), expect(asking.then((response) => response.json())).resolves.toMatchObject({ error: { type: 'server_error', code: 'stopping' } })]);
  const store = await openStore({ dataDir: join(scripted.folder, 'data'), onError: (error) => expect.unreachable(error.message) });
  expect(await store.ledger.openHolds()).toEqual([]);
  await verifyChain(store.ledger);
  await store.close();
});
