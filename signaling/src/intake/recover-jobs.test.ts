import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS } from '@ciro/core/units.ts';
import { makeRecord, workerId } from '../evidence/job-record.fixture.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { newStanding } from '../standing/standing-store.ts';
import { MemoryKeptAnswers } from './memory-kept-answers.fixture.ts';
import { NoticedMoney } from './noticed-money.ts';
import { recoverJobs } from './recover-jobs.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { AuditStore, Standing, Standings } from '../audit/ports.ts';
import type { CreditNotice } from './ports.ts';

const TRIAL = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const [recorded, running, unopened] = [jobId(1), jobId(2), jobId(3)];

async function setup(assurance: 'stream' | 'checked' = 'stream') {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  const archive = new MemoryJobArchive();
  const notices: (CreditNotice & { worker: string })[] = [];
  const heard = { credited: (worker: string, notice: CreditNotice) => void notices.push({ worker, ...notice }) };
  const standing = async (): Promise<Standing> => ({ ...newStanding(0), reputation: 0.5 });
  const standings: Standings = { of: standing, passed: standing, failed: standing, misjudged: standing, isDemoted: () => false };
  const audits: AuditStore = { saveDraw: async () => undefined, drawOf: async () => undefined, saveTranscript: async () => undefined, transcriptsOf: async () => [], savePiece: async () => undefined, pieces: async () => new Map(), prunePieces: async () => 0 };
  await ledger.start();
  await ledger.openTrial('ada');
  for (const job of [recorded, running, unopened]) await ledger.hold(job, 'ada', 100n);
  for (const job of [recorded, running]) await archive.open({ job, account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance, corrects: null, continues: null });
  await archive.record(recorded, makeRecord({ job: recorded, promptIds: [1, 2, 3, 4], tokenIds: [5, 6] }), 'hi');
  const kept = new MemoryKeptAnswers();
  let jobs = 100;
  const money = new NoticedMoney({ ledger, notices: heard, archive });
  return { ledger, archive, notices, dependencies: { ledger, archive, notices: heard, standings, money, audits, kept, newJob: () => jobId(++jobs) } };
}

it('a start charges what was recorded and not yet charged, gives the other holds back, and pays what nobody can audit any more', async () => {
  const { ledger, archive, notices, dependencies } = await setup();
  expect(await recoverJobs(dependencies)).toEqual({ charged: 1, released: 2, decided: 1, goingOn: [], ran: [running] });
  // Four prompt tokens at 1 and two answer tokens at 4; 2.5 % of 12 is less than a unit, the division by three leaves none.
  expect(await ledger.balance('ada')).toBe(TRIAL - 12n);
  expect(await ledger.openHolds()).toEqual([]);
  const entry = await ledger.creditEntry(recorded, workerId(1));
  expect(entry).toMatchObject({ kind: 'payable' });
  const told = notices.map(({ worker, amount, status, pendingTotal, payableTotal, withheldTotal, paidPositions, generatedTokens }) => ({ worker, amount, status, pendingTotal, payableTotal, withheldTotal, paidPositions, generatedTokens }));
  const credit = (n: number, rest: object) => ({ worker: workerId(n), amount: 4n, paidPositions: 5, generatedTokens: 2, ...rest });
  expect(told.slice(0, 3)).toEqual([1, 2, 3].map((n) => credit(n, { status: 'pending', pendingTotal: 4n, payableTotal: 0n, withheldTotal: 0n })));
  // A newcomer's half is withheld (SPEC M7).
  expect(told.slice(3)).toEqual([1, 2, 3].map((n) => credit(n, { status: 'payable', pendingTotal: 0n, payableTotal: 2n, withheldTotal: 2n })));
  // A trial paid for it: all that is payable waits for its promotion.
  expect(notices.map(({ promotionalTotal }) => promotionalTotal)).toEqual([0n, 0n, 0n, 2n, 2n, 2n]);
  expect(notices.find(({ worker, status }) => worker === workerId(1) && status === 'payable')?.entry).toEqual({ sequence: entry?.sequence, hash: entry?.hash });
  expect(await archive.find(running)).toMatchObject({ state: 'failed', failure: { code: 'restarted' } });
  expect(await archive.find(recorded)).toMatchObject({ state: 'recorded', decided: true });
});

it('a checked answer that was not given out is paid back, and its workers are paid all the same', async () => {
  const { ledger, dependencies } = await setup('checked');
  await recoverJobs(dependencies);
  expect(await ledger.balance('ada')).toBe(TRIAL);
  expect(await ledger.workerTotals(workerId(2))).toEqual({ pending: 0n, payable: 2n, withheld: 2n });
});

it('M9: an answer that was to go on in another job costs nothing when the coordinator stopped in between', async () => {
  const { ledger, archive, dependencies } = await setup();
  const [moved, rest, next] = [jobId(4), jobId(5), jobId(6)];
  for (const [job, continues] of [[moved, null], [rest, null], [next, rest]] as const) {
    await ledger.hold(job, 'ada', 100n);
    await archive.open({ job, account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance: 'stream', corrects: null, continues });
    await archive.record(job, makeRecord({ job, promptIds: [1, 2, 3, 4], tokenIds: [5, 6], finish: job === next ? 'stop' : 'moved' }), 'hi');
  }
  await recoverJobs(dependencies);
  // Job 1 as ever, and the two of which the second goes on from the first.
  expect(await ledger.balance('ada')).toBe(TRIAL - 3n * 12n);
});

it('a second start finds nothing to do', async () => {
  const { ledger, dependencies } = await setup();
  await recoverJobs(dependencies);
  const balance = await ledger.balance('ada');
  expect(await recoverJobs(dependencies)).toEqual({ charged: 0, released: 0, decided: 0, goingOn: [], ran: [] });
  expect(await ledger.balance('ada')).toBe(balance);
});
