/** `npm run job`: a private coordinator, N headless volunteers, one job, its evidence. Exit 0 on an answer, 2 on wrong usage, 1 otherwise. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evidenceTable } from './evidence-table.ts';
import { parseJobOptions } from './job-options.ts';
import { openNetwork } from './open-network.ts';
import { runQuestion } from './run-question.ts';
import { runCommand } from './run-command.ts';

await runCommand(async (signal) => {
  const options = parseJobOptions(process.argv.slice(2));
  const dataDir = await mkdtemp(join(tmpdir(), 'ciro-job-'));
  try {
    const report = (line: string): void => void process.stderr.write(`${line}\n`);
    await using network = await openNetwork({ model: options.model, stages: options.stages, volunteers: options.stages, engine: options.engine, host: '127.0.0.1', port: 0, dataDir, report, signal });
    if (network.volunteers === undefined) throw new Error('no browser for headless volunteers was found: install Chrome or Chromium, or name one with CIRO_BROWSER');
    const { prompt, system, maxTokens, temperature, seed } = options;
    const evidence = await runQuestion(network.coordinator, { model: 'default', prompt, maxTokens, temperature, seed, ...(system === undefined ? {} : { system }) }, signal);
    const file = { ...evidence, timings: network.timings };
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(file, null, 2)}\n`);
    process.stdout.write(`\n${evidenceTable(evidence)}\n`);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
