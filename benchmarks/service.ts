/**
 * `npm run bench -- service [--part all|conformance|scale-out] [--seed 1]`: official clients against the real model over tabs; what two coordinators over one database
 * give over one, each with 0.4 of a core, and what becomes of answers when one is killed. Four and three minutes on two idle cores.
 */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import { runConformance } from './service/conformance.ts';
import { scaleOut } from './service/scale-out.ts';
import { BenchError } from './result.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

/** Two tabs answer as three do, and leave the clients more of two cores. */
const STAGES = 2;
const Options = v.object({ part: v.picklist(['all', 'conformance', 'scale-out']), seed: v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number)) });
type Part = Pick<BenchReport, 'rows' | 'values'>;

const LEFT_OUT = { notMeasured: 'left out by --part' };
const NOT_WRITTEN = { notMeasured: 'no program of this benchmark measures it yet' };
/** The load that it asks for is run by `npm run bench -- coordinator`, for five minutes instead of ten. */
const OTHER_BARS: BenchReport['values'] = Object.fromEntries(['workers_held', 'jobs_per_hour', 'submission_p99_ms', 'scheduling_p99_ms', 'memory_growth_percent', 'ledger_operations', 'ledger_faults', 'fuzzed_inputs', 'abuse_lost_or_leaked', 'abuse_p99_ratio', 'kills', 'kill_losses', 'back_s'].map((bar) => [bar, NOT_WRITTEN]));

export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { part: { type: 'string', default: 'all' }, seed: { type: 'string', default: '1' } } });
  const options = v.safeParse(Options, values);
  if (!options.success) throw new BenchError('usage: npm run bench -- service [--part all|conformance|scale-out] [--seed N]');
  const { part, seed } = options.output;
  const clients = part === 'scale-out' ? { rows: [], values: { conformance_failed: LEFT_OUT } } : await conformance({ args, signal, say });
  const several = part === 'conformance' ? { rows: [], values: { two_over_one: LEFT_OUT, lost_when_killed: LEFT_OUT } } : await scaleOut(seed, { signal, tell: say });
  return { seeds: [seed], rows: [...clients.rows, ...several.rows], values: { ...OTHER_BARS, ...clients.values, ...several.values } };
}

async function conformance({ signal, say }: BenchContext): Promise<Part> {
  const parts = await prepareParts(signal, say);
  await using network = await openBenchNetwork(parts, { stages: STAGES, engine: 'wasm' });
  const { url, trialKey } = network.coordinator;
  const rows = await runConformance(`${url}/v1`, trialKey, ({ client, case: name, ok, detail }) => say(`${ok ? 'ok    ' : 'FAILED'} ${client}: ${name}${detail === '' ? '' : ` (${detail})`}`));
  const byClient = Map.groupBy(rows, ({ client }) => client);
  return {
    rows: [...byClient].flatMap(([client, cases]) => [
      { part: 'conformance', figure: `${client}: cases`, value: cases.length, unit: 'cases' },
      { part: 'conformance', figure: `${client}: passed`, value: cases.filter(({ ok }) => ok).length, unit: 'cases' },
    ]),
    values: { conformance_failed: rows.filter(({ ok }) => !ok).length },
  };
}
