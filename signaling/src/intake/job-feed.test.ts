import { expect, it } from 'vitest';
import { JobFeeds } from './job-feed.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobStatusEvent } from './job-feed.ts';

const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const job = jobId(1);
const never = new AbortController().signal;

async function all(events: AsyncIterable<JobStatusEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of events) types.push(type);
  return types;
}

it('replays what happened, follows what happens, and ends when the job is settled; later followers hear the same', async () => {
  const feeds = new JobFeeds();
  feeds.open(job);
  feeds.push(job, { type: 'queued', ahead: 0 });
  const early = all(feeds.follow(job, never));
  await Promise.resolve();
  feeds.push(job, { type: 'started' });
  feeds.push(job, { type: 'settled' });
  feeds.push(job, { type: 'failed', code: 'late', message: 'after the end' });
  expect(await early).toEqual(['queued', 'started', 'settled']);
  expect(await all(feeds.follow(job, never))).toEqual(['queued', 'started', 'settled']);
});

it('what is said of a job without a feed is nothing', () => {
  const feeds = new JobFeeds();
  feeds.push(job, { type: 'started' });
  expect(feeds.has(job)).toBe(false);
});

it('a follower leaves by its signal, even one that never began to read; so many at once and no more', async () => {
  const feeds = new JobFeeds();
  feeds.open(job);
  const leaving = Array.from({ length: 8 }, () => new AbortController());
  const [first, ...others] = leaving.map(({ signal }) => feeds.follow(job, signal));
  expect(() => feeds.follow(job, never)).toThrow(expect.objectContaining({ code: 'too_many_followers' }));
  const reading = all(first as AsyncIterable<JobStatusEvent>);
  for (const each of leaving) each.abort();
  expect(await reading).toEqual([]);
  expect(others).toHaveLength(7);
  feeds.push(job, { type: 'settled' });
  for (let n = 0; n < 20; n++) expect(await all(feeds.follow(job, never))).toEqual(['settled']);
});

it('feeds of jobs that are over are forgotten, the oldest first; those under way are not', () => {
  const feeds = new JobFeeds();
  const running = jobId(9_999);
  feeds.open(running);
  for (let n = 0; n < 300; n++) {
    feeds.open(jobId(n));
    feeds.push(jobId(n), { type: 'settled' });
  }
  expect([feeds.has(jobId(0)), feeds.has(jobId(299)), feeds.has(running)]).toEqual([false, true, true]);
});
