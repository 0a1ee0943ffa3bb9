import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { afterChange, answerRate, messagesOf, NEW_ANSWER, storedChat, type Answer, type AnswerChange, type Turn } from './chat-turn.ts';

const after = (...changes: readonly (readonly [AnswerChange, number])[]): Answer => changes.reduce((answer, [change, at]) => afterChange(answer, change, at), NEW_ANSWER);
const JOB = 'ab'.repeat(16);
const turn = (question: string, answer: Partial<Answer>): Turn => ({ question, askedAt: 1, answer: { ...NEW_ANSWER, ...answer } });

describe('an answer', () => {
  it('grows with the stream and knows its times', () => {
    const done = after(
      [{ type: 'accepted', job: JOB }, 100],
      [{ type: 'text', piece: 'Par' }, 400],
      [{ type: 'text', piece: 'is.' }, 900],
      [{ type: 'finish', reason: 'stop' }, 910],
      [{ type: 'usage', promptTokens: 9, completionTokens: 6 }, 910],
      [{ type: 'end' }, 920],
    );
    expect(done).toEqual({ state: 'done', text: 'Paris.', job: JOB, firstTextMs: 400, streamMs: 500, finish: 'stop', usage: { promptTokens: 9, completionTokens: 6 } });
    expect(answerRate(done)).toBe(10);
  });

  it('keeps what it has when it is stopped or fails', () => {
    expect(after([{ type: 'text', piece: 'Par' }, 1], [{ type: 'stopped' }, 2])).toMatchObject({ state: 'stopped', text: 'Par' });
    const error = new ApiError('worker_lost', 'tab a3 left', { status: 502, retryAfter: 3 });
    expect(after([{ type: 'text', piece: 'Par' }, 1], [{ type: 'failed', error }, 2])).toMatchObject({ state: 'failed', text: 'Par', trouble: { code: 'worker_lost', message: 'tab a3 left', retryAfter: 3 } });
  });

  it('does not change any more once it has ended', () => {
    expect(after([{ type: 'stopped' }, 1], [{ type: 'text', piece: 'late' }, 2], [{ type: 'end' }, 3])).toEqual({ state: 'stopped', text: '' });
  });

  it('says that it moves until the next text comes, or it ends', () => {
    const moving = after([{ type: 'text', piece: 'Par' }, 100], [{ type: 'moving' }, 200]);
    expect(moving).toEqual({ state: 'moving', text: 'Par', firstTextMs: 100, streamMs: 0 });
    expect(afterChange(moving, { type: 'text', piece: 'is.' }, 700)).toMatchObject({ state: 'streaming', text: 'Paris.', streamMs: 600 });
    expect(after([{ type: 'moving' }, 1])).toEqual({ state: 'moving', text: '' });
    expect(afterChange(moving, { type: 'stopped' }, 300).state).toBe('stopped');
    expect(afterChange(moving, { type: 'failed', error: new ApiError('not_covered', 'nobody came', { status: 503 }) }, 300)).toMatchObject({ state: 'failed', text: 'Par' });
  });

  it('tells its place in the queue while it waits', () => {
    expect(after([{ type: 'queued', ahead: 2 }, 1])).toMatchObject({ state: 'waiting', ahead: 2 });
  });
});

describe('messagesOf', () => {
  it('sends the whole conversation and leaves out questions that got no answer', () => {
    const turns = [turn('One?', { state: 'done', text: '1' }), turn('Two?', { state: 'failed' }), turn('Three?', { state: 'stopped', text: 'Th' }), turn('Four?', {})];
    expect(messagesOf(turns)).toEqual([
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'Three?' },
      { role: 'assistant', content: 'Th' },
      { role: 'user', content: 'Four?' },
    ]);
  });
});

describe('storedChat', () => {
  it('leaves an answer that a closed tab left open to be read on by its job; without one it counts as stopped', () => {
    expect(storedChat({ id: 'c', turns: [turn('One?', { state: 'streaming', text: 'O', job: 'ab' })] })?.turns[0]?.answer).toEqual({ state: 'streaming', text: 'O', job: 'ab' });
    expect(storedChat({ id: 'c', turns: [turn('One?', { state: 'streaming', text: 'O', job: 'ab' }), turn('Two?', { state: 'done', text: '' })] })?.turns[0]?.answer.state).toBe('stopped');
    const chat = storedChat({ id: 'c', turns: [turn('One?', { state: 'streaming', text: 'O' })] });
    expect(chat?.turns[0]?.answer).toEqual({ state: 'stopped', text: 'O' });
    expect(storedChat({ id: 'c', turns: [turn('One?', { state: 'moving', text: 'O' })] })?.turns[0]?.answer.state).toBe('stopped');
  });

  it('takes nothing for a conversation that is none', () => {
    expect(storedChat({ id: 'c', turns: [{ question: 7 }] })).toBeUndefined();
    expect(storedChat(undefined)).toBeUndefined();
  });
});
