/** What verification costs: bytes of hints, time on the hot path, time of audits, their share of all compute. */
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { hintBytes, WIDE_SEED, wideHintBytes } from './costs-hints.ts';
import { ADAPTIVE, auditShare, FIXED_RATE, SHARE_SEED } from './costs-share.ts';
import { measureTimes } from './costs-time.ts';
import { loadModel } from './models.ts';
import { PROMPT_SEED, promptsOf } from './prompts.ts';
import { referenceOf } from './stages-reference.ts';
import type { Population } from './costs-share.ts';
import type { StageTimes } from './costs-time.ts';
import type { Part, PartContext, PartReport } from './part.ts';

type CostRow = { readonly part: 'cost'; readonly what: string; readonly of: string; readonly value: number; readonly unit: string; readonly note: string };

/** Workers a simulated population has, by part of the bench. */
const WORKERS = 20;
/** The 19 lines of newcomers and the network's steady state. */
const PROBATION = 200;

export const costsPart: Part = {
  name: 'costs',
  bars: ['hint_bytes_576', 'hint_bytes_2048', 'hot_path_share', 'audit_prefills', 'audit_share'],
  run: (context) => runCosts(context),
};

/** Measures all of it on the default model. */
export async function runCosts({ share, signal, say }: PartContext): Promise<PartReport> {
  const model = await loadModel('smollm2', signal);
  const reference = await referenceOf(model, await promptsOf(model, share), say);
  const prompts = reference.prompts.ids.map((_, prompt) => prompt);
  const narrow = model.stages.map((stage) => ({ stage, ...hintBytes(prompts.map((prompt) => reference.rows(stage.index, prompt)), boundaryGrid(model.table, stage.boundary)) }));
  const wide = await wideHintBytes();
  say('hints counted');
  const times = await measureTimes(model, reference, signal);
  say('times measured');
  const populations = populationRows(times, Math.max(1, Math.ceil(WORKERS / share)));
  // Cuts are even over the units, so the mean audit is the mean over cuts.
  const meanAuditMs = times.auditMs.reduce((sum, each) => sum + each, 0) / times.auditMs.length;
  const full = times.auditMs.at(-1) ?? 0;
  const rows: CostRow[] = [
    ...narrow.flatMap(({ stage, rows: count, mean, most }) => [
      costRow('hints', `${stage.name} stage, d = ${model.table.hidden}`, mean, 'bytes a row', `${count} rows`),
      costRow('hints, largest unit', `${stage.name} stage, d = ${model.table.hidden}`, most, 'bytes a row', ''),
    ]),
    costRow('hints', 'synthetic stage, d = 2048', wide.mean, 'bytes a row', `${wide.rows} rows`),
    costRow('hints, largest unit', 'synthetic stage, d = 2048', wide.most, 'bytes a row', ''),
    costRow('commitment on the hot path', 'cells and hints of a row', 1000 * times.commitMs, 'microseconds', 'in Node; the pipeline bench has it in a browser'),
    costRow('decode', 'middle stage, a position', times.decodeMs, 'ms', ''),
    costRow('prefill', 'middle stage, a position in chunks of 16', times.prefillMs, 'ms', ''),
    costRow('audit of 64 positions', 'up to a drawn cut, mean', meanAuditMs / times.prefill64Ms, 'prefills of them', 'engine, hashes and verdict'),
    costRow('audit of 64 positions', 'in full', full / times.prefill64Ms, 'prefills of them', 'newcomers, checked jobs; engine, hashes and verdict'),
    costRow('audit of 64 positions', 'in full, beside decoding them', full / (64 * times.decodeMs), 'times the work', ''),
    ...populations.rows,
  ];
  return {
    seeds: [PROMPT_SEED, WIDE_SEED, SHARE_SEED],
    rows,
    values: {
      hint_bytes_576: Math.max(...narrow.map(({ mean }) => mean)),
      hint_bytes_2048: wide.mean,
      hot_path_share: times.commitMs / times.decodeMs,
      audit_prefills: meanAuditMs / times.prefill64Ms,
      audit_share: populations.established,
    },
  };
}

function populationRows(times: StageTimes, workers: number): { readonly rows: CostRow[]; readonly established: number } {
  const lines: readonly (readonly [string, Population])[] = [
    ['workers past n = 200', { from: PROBATION, jobs: 800, workers, rate: ADAPTIVE }],
    ['newcomers, their first 20 stage-jobs', { from: 0, jobs: 20, workers: 5 * workers, rate: ADAPTIVE }],
    ['newcomers, up to n = 200', { from: 0, jobs: PROBATION, workers, rate: ADAPTIVE }],
    ['all, at a fixed rate of 20 %', { from: PROBATION, jobs: 800, workers, rate: () => FIXED_RATE }],
  ];
  const shares = lines.map(([name, population]) => ({ name, ...auditShare(population, times) }));
  return {
    rows: shares.map(({ name, stageJobs, audits, share }) => costRow('audits in all compute', name, share, 'of all compute', `${audits} audits of ${stageJobs} stage-jobs`)),
    established: shares[0]?.share ?? 1,
  };
}

const costRow = (what: string, of: string, value: number, unit: string, note: string): CostRow => ({ part: 'cost', what, of, value, unit, note });
