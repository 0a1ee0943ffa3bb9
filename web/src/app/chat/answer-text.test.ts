import { describe, expect, it } from 'vitest';
import { answerBlocks } from './answer-text.ts';

describe('answerBlocks', () => {
  it('leaves running text as it is, line breaks and markup-like characters included', () => {
    expect(answerBlocks('One\n\n  <b>two</b> & *three*')).toEqual([{ kind: 'text', text: 'One\n\n  <b>two</b> & *three*' }]);
  });

  it('sets fenced code apart, with its language', () => {
    expect(answerBlocks('So:\n\n```python\nx = 1\n\n```\nDone.')).toEqual([
      { kind: 'text', text: 'So:' },
      { kind: 'code', language: 'python', text: 'x = 1\n' },
      { kind: 'text', text: 'Done.' },
    ]);
  });

  it('treats a fence that is still open as code, so that a streaming answer does not jump', () => {
    expect(answerBlocks('```js\nconst a')).toEqual([{ kind: 'code', language: 'js', text: 'const a' }]);
    expect(answerBlocks('```js')).toEqual([{ kind: 'code', language: 'js', text: '' }]);
  });

  it('keeps shorter fences inside longer ones', () => {
    expect(answerBlocks('````\n```\ninner\n```\n````')).toEqual([{ kind: 'code', language: '', text: '```\ninner\n```' }]);
  });

  it('does not take backticks inside a line for a fence', () => {
    expect(answerBlocks('Use ```x``` here')).toEqual([{ kind: 'text', text: 'Use ```x``` here' }]);
  });

  it('is empty for an answer of white space', () => {
    expect(answerBlocks('')).toEqual([]);
    expect(answerBlocks('\n \n')).toEqual([]);
  });
});
