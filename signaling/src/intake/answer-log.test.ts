import { expect, it } from 'vitest';
import { AnswerLog, MAX_READERS } from './answer-log.ts';
import type { AnswerEvent } from './answer.ts';

const text = (piece: string): AnswerEvent => ({ type: 'text', text: piece });
const never = new AbortController().signal;

it('gives every reader everything, whenever it comes, and the error at the end', async () => {
  const log = new AnswerLog();
  log.push(text('a'));
  const early = log.read(never);
  expect(await early.next()).toEqual({ done: false, value: text('a') });
  const waiting = early.next();
  log.push(text('b'));
  expect(await waiting).toEqual({ done: false, value: text('b') });
  log.end(new Error('lost'));
  log.push(text('c'));
  await expect(early.next()).rejects.toThrow('lost');
  const late = log.read(never);
  expect([await late.next(), await late.next()]).toEqual(['a', 'b'].map((piece) => ({ done: false, value: text(piece) })));
  await expect(late.next()).rejects.toThrow('lost');
});

it('lets go of a reader that leaves while it waits, and lets in no more than a handful', async () => {
  const log = new AnswerLog();
  const gone = new AbortController();
  const readers = Array.from({ length: MAX_READERS }, () => log.read(gone.signal));
  const waiting = readers.map((reader) => reader.next());
  expect(() => log.read(never)).toThrow(/8 others read/);
  gone.abort();
  expect(await Promise.all(waiting)).toEqual(new Array(MAX_READERS).fill({ done: true, value: undefined }));
  log.end();
  expect(await log.read(never).next()).toEqual({ done: true, value: undefined });
});
