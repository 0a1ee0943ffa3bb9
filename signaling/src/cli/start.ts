/** `npm start`: the coordinator with its page, headless volunteers if there is a browser, one demonstration job, then it keeps serving. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CHECKOUT } from '../setup/checkout.ts';
import { environmentOptions } from '../coordinator-options.ts';
import { drain } from './drain.ts';
import { openChain } from './open-chain.ts';
import { openNetwork } from './open-network.ts';
import { payWorkers } from './pay-workers.ts';
import { runCommand } from './run-command.ts';
import { printAnswer } from './run-job.ts';
import { runQuestion } from './run-question.ts';
import { parseStartOptions } from './start-options.ts';
import { untilAborted } from './until-aborted.ts';
import type { Coordinator } from '../main.ts';

const DEMONSTRATION = { model: 'default', maxTokens: 40, temperature: 0, seed: 1, assurance: 'stream' } as const;

function printDoors(coordinator: Coordinator): void {
  const { publicUrl, trialKey } = coordinator;
  const body = '{"model":"default","messages":[{"role":"user","content":"What is the capital of France?"}]}';
  process.stdout.write(
    [
      '',
      `page             ${publicUrl}/`,
      `OPENAI_BASE_URL  ${publicUrl}/v1`,
      `OPENAI_API_KEY   ${trialKey}`,
      '',
      `curl ${publicUrl}/v1/chat/completions -H "Authorization: Bearer ${trialKey}" -H "Content-Type: application/json" -d '${body}'`,
      '',
    ].join('\n'),
  );
}

await runCommand(async (stopped) => {
  // Volunteers and chain go on while the last answers end; before anything is served a stop ends them at once.
  const ending = new AbortController();
  const { signal } = ending;
  const end = (): void => ending.abort();
  stopped.addEventListener('abort', end, { once: true });
  const options = parseStartOptions(process.argv.slice(2), process.env);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const dataDir = resolve(CHECKOUT, options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // A chain of our own starts while the model is fetched and read.
  const opening = openChain({ path: resolve(CHECKOUT, '.ciro', 'chain.json'), dataDir, env: process.env, report, signal });
  await using last = new AsyncDisposableStack();
  last.defer(async () => (await opening.catch(() => undefined))?.[Symbol.asyncDispose]());
  const environment = opening.then((opened) => ({ ...environmentOptions(process.env), ...opened.environment }));
  environment.catch(() => undefined); // openNetwork hears of it
  await using network = await openNetwork({ ...options, dataDir, environment, report, signal });
  const { coordinator, volunteers } = network;
  if (volunteers === undefined) {
    process.stdout.write(`\n${options.volunteers === 0 ? '' : 'No browser for headless volunteers was found. '}Open ${coordinator.publicUrl}/ in ${options.stages} tabs and press Contribute.\n`);
  } else {
    process.stdout.write(`\n> ${options.prompt}\n\n`);
    printAnswer(await runQuestion(coordinator, { ...DEMONSTRATION, prompt: options.prompt }, signal));
    const chain = await opening;
    if (chain.local && chain.door !== undefined) process.stdout.write(`\n${await payWorkers(coordinator, { ...chain, door: chain.door }, signal)}\n`);
  }
  if (options.once) {
    if (volunteers === undefined) throw new Error('--once needs headless volunteers: install Chrome or Chromium, or name one with CIRO_BROWSER');
    return;
  }
  printDoors(coordinator);
  stopped.removeEventListener('abort', end);
  await untilAborted(stopped);
  await drain(coordinator, report);
});
