import { callerOf } from '../accounts/caller.fixture.ts';
import { expect, it } from 'vitest';
import { askChat } from './chat-commands.ts';
import { parseChatRequest } from './chat-request.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Answer, AnswerEvent } from './answer.ts';
import type { ChatCommands } from './chat-commands.ts';

const BY_MODEL = { job: 'model' } as unknown as Answer;
const request = (content: string) => parseChatRequest({ model: 'm', messages: [{ role: 'user', content }] });
const asking = (commands?: ChatCommands) => ({ ask: async () => BY_MODEL, commands, newId: () => '0a' as JobId, now: () => 5 });

async function eventsOf(answer: Answer): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of answer.read(new AbortController().signal)) events.push(event);
  return events;
}

it('I2: what is no command goes to the model, with commands and without', async () => {
  expect(await askChat(asking(), request('/help'), callerOf('ada'))).toBe(BY_MODEL);
  expect(await askChat(asking({ reply: async () => undefined }), request('hello'), callerOf('ada'))).toBe(BY_MODEL);
});

it('I2: a command is answered in its own words, named, at no cost', async () => {
  const answer = await askChat(asking({ reply: async ({ messages }, account) => ({ command: '/help', text: `${account}: ${messages[0]?.content}` }) }), request('/help'), callerOf('ada'));
  expect(answer).toMatchObject({ command: '/help', model: 'm', createdAt: 5, promptTokens: 0 });
  expect(await eventsOf(answer)).toEqual([{ type: 'started' }, { type: 'text', text: 'ada: /help' }, { type: 'end', finish: 'stop', completionTokens: 0 }]);
});

it('I2: what a command throws while it runs the reader is thrown after what it said; a reader that leaves stops it', async () => {
  let stopped = false;
  const answer = await askChat(
    asking({
      reply: async (_request, _account, signal) => ({
        command: '/run',
        text: (async function* () {
          yield 'half';
          signal.addEventListener('abort', () => (stopped = true));
          throw new RangeError('no worker');
        })(),
      }),
    }),
    request('/run x'),
    callerOf('ada'),
  );
  const heard: AnswerEvent[] = [];
  await expect(
    (async () => {
      for await (const event of answer.read(new AbortController().signal)) heard.push(event);
    })(),
  ).rejects.toThrow('no worker');
  expect(heard).toEqual([{ type: 'started' }, { type: 'text', text: 'half' }]);
  answer.cancel();
  expect(stopped).toBe(true);
});
