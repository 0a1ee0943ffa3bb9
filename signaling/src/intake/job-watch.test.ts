import { expect, it } from 'vitest';
import { makeRecord } from '../evidence/job-record.fixture.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { JobFeeds } from './job-feed.ts';
import { JobWatch } from './job-watch.ts';
import { RequesterNonces } from './requester-nonces.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { Assurance } from './chat-request.ts';
import type { JobStatusEvent } from './job-feed.ts';
import type { StageOutcome } from './ports.ts';

const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const PASSED: readonly StageOutcome[] = ['passed', 'passed by', 'passed'];
const FAILED: readonly StageOutcome[] = ['passed', 'failed', 'passed'];

/** Jobs 1, 2, …, each correcting the one before, decided as told. */
async function setup(assurance: Assurance, ...decided: readonly (readonly StageOutcome[])[]) {
  const archive = new MemoryJobArchive();
  const stages = new Map<string, readonly StageOutcome[]>();
  for (const [index, outcomes] of decided.entries()) {
    const job = jobId(index + 1);
    await archive.open({ job, account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance, corrects: index === 0 ? null : jobId(index), continues: null });
    await archive.record(job, makeRecord({ job, promptIds: [1, 2, 3, ...Array<number>(index).fill(9)], tokenIds: [4, 5] }), `text ${index + 1}`);
    await archive.decided(job);
    stages.set(job, outcomes);
  }
  const feeds = new JobFeeds();
  const watch = new JobWatch({ archive, feeds, nonces: new RequesterNonces({ requesterNonce: () => true }), stagesOf: async (job) => stages.get(job) ?? [] });
  const events = async (job: string, account = 'ada'): Promise<JobStatusEvent[] | undefined> => {
    const found = await watch.events(job, account, new AbortController().signal);
    if (found === undefined) return undefined;
    const all: JobStatusEvent[] = [];
    for await (const event of found) all.push(event);
    return all;
  };
  return { archive, feeds, watch, events };
}

it('a job that is over is told from the record: what was audited, what corrected it, how it ended', async () => {
  const { events, watch } = await setup('stream', FAILED, FAILED, PASSED);
  const beginning = [{ type: 'finished', finish_reason: 'length' }, { type: 'recorded', roots: ['0x1', '0x1', '0x1'] }];
  const audited = (outcomes: readonly StageOutcome[]) => outcomes.map((status, stage) => ({ type: 'audited', stage, status }));
  // Told as a whole: the last text, and the first position that any correction drew anew.
  expect(await events(jobId(1))).toEqual([...beginning, ...audited(FAILED), { type: 'corrected', job: jobId(3), from_position: 3, text: 'text 3' }, { type: 'settled' }]);
  expect(await events(jobId(3))).toEqual([...beginning, ...audited(PASSED), { type: 'settled' }]);
  expect(await watch.status(jobId(2), 'ada')).toMatchObject({ state: 'recorded', corrects: jobId(1), correctedBy: jobId(3), stages: FAILED, failure: null });
});

it('G2: a job that moved is told with the one that went on, and what was corrected after it', async () => {
  const { archive, events, watch } = await setup('stream', PASSED);
  const open = async (n: number, links: { corrects?: JobId; continues?: JobId }, finish: 'moved' | 'stop', tokens: number): Promise<void> => {
    await archive.open({ job: jobId(n), account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance: 'stream', corrects: null, continues: null, ...links });
    await archive.record(jobId(n), makeRecord({ job: jobId(n), promptIds: Array<number>(tokens).fill(9), tokenIds: [4, 5], finish }), `text ${n}`);
    await archive.decided(jobId(n));
  };
  await open(10, {}, 'moved', 3);
  await open(11, { continues: jobId(10) }, 'stop', 5);
  const recorded = { type: 'recorded', roots: ['0x1', '0x1', '0x1'] };
  const moved = { type: 'moved', job: jobId(11), from_position: 4, code: 'worker_lost', message: expect.any(String) };
  expect(await events(jobId(10))).toEqual([moved, recorded, { type: 'settled' }]);
  expect(await watch.status(jobId(10), 'ada')).toMatchObject({ continuedBy: jobId(11), continues: null, correctedBy: null });
  await open(12, { corrects: jobId(11) }, 'stop', 6);
  expect(await events(jobId(10))).toEqual([moved, recorded, { type: 'corrected', job: jobId(12), from_position: 5, text: 'text 12' }, { type: 'settled' }]);
});

it('a checked answer that nobody got right is never shown, however often it was done again', async () => {
  const { events } = await setup('checked', FAILED, ['passed', 'unpaid', 'passed']);
  const told = await events(jobId(1));
  expect(told?.map(({ type }) => type)).toEqual(['finished', 'recorded', 'audited', 'audited', 'audited', 'uncorrected', 'settled']);
  expect(JSON.stringify(told)).not.toContain('text');
});

it('a streamed answer with an undecided stage stands', async () => {
  const { events } = await setup('stream', ['passed', 'unpaid', 'passed']);
  expect((await events(jobId(1)))?.at(-1)).toEqual({ type: 'settled' });
  expect((await events(jobId(1)))?.map(({ type }) => type)).not.toContain('uncorrected');
});

it('a job that failed says why; another account\'s job is as one that never was', async () => {
  const { archive, events, watch } = await setup('checked', PASSED);
  await archive.open({ job: jobId(7), account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance: 'stream', corrects: null, continues: null });
  await archive.fail(jobId(7), { code: 'stalled', message: 'no token' });
  expect(await events(jobId(7))).toEqual([{ type: 'failed', code: 'stalled', message: 'no token' }]);
  expect([await events(jobId(1), 'bob'), await watch.status(jobId(1), 'bob'), await watch.openNonce(jobId(1), 'bob', 'ab'), await watch.isHeldBack(jobId(1), 'bob')]).toEqual([undefined, undefined, undefined, false]);
  await expect(watch.openNonce(jobId(1), 'ada', 'ab')).rejects.toMatchObject({ code: 'nonce_too_late' });
});

it('a checked answer is held back until it is decided, a streamed one never', async () => {
  const checked = await setup('checked');
  for (const [n, assurance] of [[1, 'checked'], [2, 'stream']] as const) {
    await checked.archive.open({ job: jobId(n), account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_000, assurance, corrects: null, continues: null });
    await checked.archive.record(jobId(n), makeRecord({ job: jobId(n) }), 'text');
  }
  expect([await checked.watch.isHeldBack(jobId(1), 'ada'), await checked.watch.isHeldBack(jobId(2), 'ada')]).toEqual([true, false]);
  await checked.archive.decided(jobId(1));
  expect(await checked.watch.isHeldBack(jobId(1), 'ada')).toBe(false);
});
