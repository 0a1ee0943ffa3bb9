import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evidenceTable, fateOf } from './evidence-table.ts';
import { openNetwork } from './open-network.ts';
import { evidenceFile, runQuestion } from './run-question.ts';
import type { LaunchOptions } from '../volunteers/launch-volunteers.ts';
import type { JobOptions } from './job-options.ts';
import type { Network } from './open-network.ts';
import type { Answered } from './run-question.ts';

/** What a caller may put in: the attacks of the tests make a page cheat before it opens, and look at the network afterwards. */
export interface JobHooks {
  readonly prepare?: NonNullable<LaunchOptions['prepare']>;
  /** Called with the answer while the network still runs. */
  readonly answered?: (answered: Answered, network: Network) => Promise<void>;
}

/** A private coordinator, one volunteer more than stages, one question, its audits and its evidence; nothing is left open or behind. */
export async function runJob(options: JobOptions, hooks: JobHooks, signal: AbortSignal): Promise<Answered> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ciro-job-'));
  try {
    const report = (line: string): void => void process.stderr.write(`${line}\n`);
    const { model, stages, engine, prompt, system, maxTokens, temperature, seed, assurance } = options;
    // The spare audits the others' work, and serves in the place of a worker that is convicted.
    const volunteers = stages + 1;
    const { prepare } = hooks;
    await using network = await openNetwork({ model, stages, volunteers, engine, host: '127.0.0.1', port: 0, dataDir, report, signal, ...(prepare === undefined ? {} : { prepare }) });
    if (network.volunteers === undefined) throw new Error('no browser for headless volunteers was found: install Chrome or Chromium, or name one with CIRO_BROWSER');
    const answered = await runQuestion(network.coordinator, { model: 'default', prompt, maxTokens, temperature, seed, assurance, ...(system === undefined ? {} : { system }) }, signal);
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(evidenceFile(answered, network.timings), null, 2)}\n`);
    printAnswer(answered);
    await hooks.answered?.(answered, network);
    return answered;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The evidence as tables: of the jobs that the answer went through, then of the one that stands. */
export function printAnswer({ evidence, earlier, decided }: Answered): void {
  for (const [index, job] of earlier.entries()) process.stdout.write(`\n${fateOf(job, earlier[index + 1] ?? evidence)}:\n${evidenceTable(job)}\n`);
  process.stdout.write(`\n${evidenceTable(evidence)}\n`);
  if (!decided) process.stdout.write('audits are not decided yet; ask for the evidence again later\n');
}
