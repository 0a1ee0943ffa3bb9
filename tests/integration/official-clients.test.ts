import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import { runConformance } from '../../benchmarks/service/conformance.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';

/** End of an answer in the tiny model's vocabulary: a control token without text. */
const END = 2;

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());
beforeEach(() => {
  scripted.runner.script = { ids: [...scripted.model.tokenizer.encode('hello the world'), END], gate: (step) => (step === 'first' ? undefined : new Promise((resolve) => setImmediate(resolve))) };
  scripted.runner.scriptFor = undefined;
});

const baseURL = () => `${scripted.coordinator.url}/v1`;

it('official clients find what they rely on, and hear of what is not carried out', async () => {
  const rows = await runConformance(baseURL(), scripted.coordinator.trialKey);
  expect(rows.filter(({ ok }) => !ok)).toEqual([]);
  expect(rows.length).toBeGreaterThan(60);
});

it('I5: an official client asks again where it makes sense, and never after it called its answer off', async () => {
  const client = new OpenAI({ baseURL: baseURL(), apiKey: scripted.coordinator.trialKey, maxRetries: 2 });
  const ask = () => client.chat.completions.create({ model: 'default', messages: [{ role: 'user', content: 'x' }] });
  const broken = (error: SchedulerError) => ({ ids: [], failAfter: { tokens: 0, error } });
  const { script, orders } = scripted.runner;
  orders.length = 0;
  scripted.runner.scriptFor = () => (orders.length === 1 ? broken(new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform' })) : script);
  expect((await ask()).choices[0]?.message.content).toBe('hello the world');
  expect(orders).toHaveLength(2);

  orders.length = 0;
  scripted.runner.scriptFor = () => broken(new SchedulerError('cancelled', 'called off', { fault: 'abort' }));
  await expect(ask()).rejects.toMatchObject({ status: 499, code: 'cancelled' });
  expect(orders).toHaveLength(1);
});
