import { describe, expect, it } from 'vitest';
import { answerEvents, type AnswerEvent } from './answer-stream.ts';

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const text = (content: string): string => data({ choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null });
const ROLE = data({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }], usage: null });
const FINISH = data({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null });
const USAGE = data({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } });
const DONE = 'data: [DONE]\n\n';

/** A body that comes in pieces of `size` bytes, wherever that cuts. */
function bodyOf(whole: string, size: number, cancelled: () => void = () => undefined): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(whole);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
    cancel: cancelled,
  });
}

async function read(whole: string, size = 1_000): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of answerEvents(bodyOf(whole, size))) events.push(event);
  return events;
}

const WHOLE = ROLE + text('Déjà ') + ': waiting\n\n' + text('vu 🐦') + FINISH + USAGE + DONE;
const EVENTS: AnswerEvent[] = [
  { type: 'text', piece: 'Déjà ' },
  { type: 'text', piece: 'vu 🐦' },
  { type: 'finish', reason: 'stop' },
  { type: 'usage', promptTokens: 9, completionTokens: 3 },
];

describe('answerEvents', () => {
  it.each([1, 2, 3, 7, 64, 100_000])('reads the same events from pieces of %i bytes, also when one cuts a character', async (size) => {
    expect(await read(WHOLE, size)).toEqual(EVENTS);
  });

  it('reads lines that end with CR LF', async () => {
    expect(await read(WHOLE.replaceAll('\n', '\r\n'))).toEqual(EVENTS);
  });

  it('tells the place in the queue, which the coordinator says in a comment', async () => {
    expect((await read(`: 2 ahead\n\n: waiting\n\n${WHOLE}`))[0]).toEqual({ type: 'queued', ahead: 2 });
  });

  it('tells that layers move, between the texts before and after', async () => {
    const events = await read(`${ROLE}${text('The ')}: moving layers\n\n: waiting\n\n${text('end')}${FINISH}${DONE}`);
    expect(events.slice(0, 3)).toEqual([{ type: 'text', piece: 'The ' }, { type: 'moving' }, { type: 'text', piece: 'end' }]);
  });

  it('throws the error that the coordinator puts into a stream, with its code', async () => {
    const error = data({ error: { message: 'stage 1 fell silent', type: 'server_error', param: null, code: 'stalled' } });
    await expect(read(ROLE + text('The ') + error)).rejects.toMatchObject({ code: 'stalled', message: 'stage 1 fell silent' });
  });

  it('gives what came before an error', async () => {
    const got: AnswerEvent[] = [];
    const reading = (async () => {
      for await (const event of answerEvents(bodyOf(ROLE + text('The ') + 'data: {\n\n', 20))) got.push(event);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'broken_stream' });
    expect(got).toEqual([{ type: 'text', piece: 'The ' }]);
  });

  it.each([
    ['that ends without [DONE]', ROLE + text('The ') + FINISH],
    ['of nothing', ''],
    ['with what is no chunk', data({ choices: 'none' }) + DONE],
    ['with an endless line', `data: ${'x'.repeat(100_000)}`],
  ])('does not take a stream %s for an answer', async (_what, whole) => {
    await expect(read(whole)).rejects.toMatchObject({ code: 'broken_stream' });
  });

  it('hangs up when the reader stops early, so that no more is generated', async () => {
    let cancelled = false;
    const body = bodyOf(WHOLE, 10, () => (cancelled = true));
    for await (const event of answerEvents(body)) if (event.type === 'text') break;
    expect(cancelled).toBe(true);
  });
});
