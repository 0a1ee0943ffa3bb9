import { expect, it } from 'vitest';
import { LAUNCH_RATES } from '@ciro/core/pricing/price.ts';
import { Commands } from './commands.ts';
import type { ChatMessage } from '../intake/chat-request.ts';

const commands = new Commands({
  models: () => [{ name: 'small', layers: 30, context: 8192, missingTabs: 0 }, { name: 'large', layers: 80, context: 4096, missingTabs: 3 }],
  rates: () => LAUNCH_RATES,
  tasks: () => ['sha256'],
});
const say = (content: string, role: ChatMessage['role'] = 'user') => commands.reply({ messages: [{ role: 'user', content: 'first' }, { role, content }] });

it('I23: /help lists every command, /models what is served, /price what it costs', async () => {
  expect((await say('/help'))?.text).toMatch(/\/models.*\n.*\/price.*\n.*\/run TASK/);
  expect(await say('  /models ')).toEqual({ command: '/models', text: '- **small** (default): 30 layers, 8192 tokens of context, ready\n- **large**: 80 layers, 4096 tokens of context, waits for 3 more tabs' });
  expect((await say('/price'))?.text).toMatch(/0\.25 credits, one of the answer 1; 2\.5 %.*cost 110 credits/);
});

it('I23: a task that nobody does is refused with those that there are', async () => {
  await expect(say('/run sentiment "Hello world"')).rejects.toMatchObject({ code: 'task_not_available', message: expect.stringContaining('"sentiment"; available: sha256') });
  await expect(say('/run')).rejects.toMatchObject({ code: 'task_not_available', message: expect.stringContaining('name a task') });
});

it('I23: everything else is for the model', async () => {
  for (const text of ['hello', '//models', '/etc/hosts is a file', '/unknown', '/Models', 'what does /help do?', '/']) expect(await say(text), text).toBeUndefined();
  expect(await say('/help', 'assistant')).toBeUndefined();
});
