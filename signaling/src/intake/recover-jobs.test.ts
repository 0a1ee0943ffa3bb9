import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { makeRecord, workerId } from '../evidence/job-record.fixture.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { recoverJobs } from './recover-jobs.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { CreditNotice } from './ports.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const [recorded, running, unopened] = [jobId(1), jobId(2), jobId(3)];

async function setup() {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  const archive = new MemoryJobArchive();
  const notices: (CreditNotice & { worker: string })[] = [];
  await ledger.start();
  await ledger.openTrial('ada');
  for (const job of [recorded, running, unopened]) await ledger.hold(job, 'ada', 100n);
  for (const job of [recorded, running]) await archive.open({ job, account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000 });
  await archive.record(recorded, makeRecord({ job: recorded, promptIds: [1, 2, 3, 4], tokenIds: [5, 6] }), 'hi');
  return { ledger, archive, notices, dependencies: { ledger, archive, notices: { credited: (worker: string, notice: CreditNotice) => void notices.push({ worker, ...notice }) } } };
}

it('a start charges what was recorded and not yet charged, and gives the other holds back', async () => {
  const { ledger, archive, notices, dependencies } = await setup();
  expect(await recoverJobs(dependencies)).toEqual({ charged: 1, released: 2 });
  // Four prompt tokens at 1 and two answer tokens at 4; 2.5 % of 12 is less than a unit, the division by three leaves none.
  expect(await ledger.balance('ada')).toBe(TRIAL - 12n);
  expect(await ledger.openHolds()).toEqual([]);
  expect(notices.map(({ worker, amount, pendingTotal, status }) => ({ worker, amount, pendingTotal, status }))).toEqual([1, 2, 3].map((n) => ({ worker: workerId(n), amount: 4n, pendingTotal: 4n, status: 'pending' })));
  expect(await archive.find(running)).toMatchObject({ state: 'failed', failure: { code: 'restarted' } });
  expect(await archive.find(recorded)).toMatchObject({ state: 'recorded' });
});

it('a second start finds nothing to do', async () => {
  const { ledger, dependencies } = await setup();
  await recoverJobs(dependencies);
  const balance = await ledger.balance('ada');
  expect(await recoverJobs(dependencies)).toEqual({ charged: 0, released: 0 });
  expect(await ledger.balance('ada')).toBe(balance);
});
