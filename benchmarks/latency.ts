/**
 * `npm run bench -- latency [--rounds 1] [--seed 1] [--cells all|bar]`: tokens a second of three tabs with delay and loss between them, with drafts and
 * without, against one tab, for three kinds of question; and whether frames of prefill would come sooner over several associations. Links go over a coturn of this machine, behind a forwarder that
 * delays and drops datagrams, because this needs nothing of the kernel; the tabs run as they are shipped, in relay-only mode. Nearly nothing is audited: the reference
 * run would compute on the tabs' cores while they answer the next question. About twenty-five minutes; `--cells bar` asks at 20 ms without loss alone, and sends no frames alone, in four.
 */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { NO_TURN, startTurnServer } from '../tests/support/turn-server.ts';
import { CELLS, measureCells } from './latency/cells.ts';
import { AUDIT_RATE } from './latency/line-ring.ts';
import { rowsOf, valuesOf } from './latency/report.ts';
import { openSlowLine } from './latency/slow-line.ts';
import { measureStripes } from './latency/stripes.ts';
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import { BenchError } from './result.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const WholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number));
const Options = v.object({ rounds: v.pipe(WholeNumber, v.minValue(1)), seed: WholeNumber, cells: v.picklist(['all', 'bar']) });
const ADDRESS = '127.0.0.1';
/** No question is asked after this; cells that are missing have no row. */
const BUDGET_MS = 30 * 60_000;

/** Runs every cell of delay and loss, one tab beside it each time; then frames alone. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' }, cells: { type: 'string', default: 'all' } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError('usage: npm run bench -- latency [--rounds N] [--seed N] [--cells all|bar]');
  const { rounds, seed, cells } = parsed.output;
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  tell(`seed ${seed}`);
  await using turn = await startTurnServer({ address: ADDRESS });
  if (turn === undefined) return { seeds: [seed], rows: [{ missing: NO_TURN }], values: { ratio_20ms_plain: { notMeasured: NO_TURN }, ratio_20ms_speculative: { notMeasured: NO_TURN } } };
  const parts = await prepareParts(signal, tell);
  await using line = await openSlowLine(ADDRESS, turn.port, seed);
  const ice = { stun: [], turn: [`turn:${ADDRESS}:${line.port}?transport=udp`], turnSecret: turn.secret };
  if (cells === 'all') tell('frames alone, over one association and over several');
  const stripes = cells === 'all' ? await measureStripes({ parts, line, turn, tell }) : [];
  await using oneTab = await openBenchNetwork(parts, { stages: 1, engine: 'wasm', auditRate: AUDIT_RATE });
  const answers = await measureCells({ parts, line, oneTab, ice, rounds, cells: cells === 'bar' ? CELLS.slice(0, 1) : CELLS, deadline: begun + BUDGET_MS, tell });
  tell('done');
  return { seeds: [seed], rows: [...rowsOf(answers), ...stripes], values: valuesOf(answers), browser: parts.browser.version };
}
