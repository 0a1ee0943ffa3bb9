/**
 * `npm run bench -- large [--size large|small] [--budget-mb 300] [--tokens 48]`: a seeded Llama of 0.9 B parameters, larger than any tab's budget,
 * over as many tabs as it needs: what one tab and a requester are told before they are there, whether the ring answers as the native
 * library on one processor does, how quickly, in how much memory, and what becomes of an answer that loses a tab. The first run writes the model
 * and calibrates it (eleven minutes of one idle core); later ones take about six minutes.
 */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { modelFootprint } from '@ciro/signaling/scheduler/model-footprint.ts';
import { RESERVED_POSITIONS } from '@ciro/signaling/scheduler/scheduler-limits.ts';
import { shortageOf } from '@ciro/signaling/scheduler/shortage.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import { buildPage } from '../signaling/src/setup/build-page.ts';
import { findBrowser } from '../signaling/src/volunteers/find-browser.ts';
import { figureRow } from './figures/figure.ts';
import { askRing } from './large/ask-ring.ts';
import { nativeGreedy } from './large/native-greedy.ts';
import { LARGE_SEED, largeModelFile, parametersOf, LARGE_SHAPES } from './large/seeded-model.ts';
import { BenchError } from './result.ts';
import { npmTool } from './verification/engines/npm-tool.ts';
import type { ImportedModel } from '@ciro/signaling/models/import-model.ts';
import type { Ring } from './large/ask-ring.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

/** The bar's: so many tabs at least, whatever the memory makes necessary. */
const STAGES = 10;
const QUESTIONS = ['why is the sky blue', 'tell me about the sea and the ships that sail on it'] as const;

const Positive = v.pipe(v.string(), v.regex(/^\d{1,5}$/), v.transform(Number), v.minValue(1));
const Options = v.object({ size: v.picklist(['large', 'small']), 'budget-mb': v.optional(Positive), tokens: Positive });
/** Budget of every tab: two layers of the large model and their caches, but not three. */
const BUDGET_MB = { large: 300, small: 70 } as const;

export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  const { size, tokens, 'budget-mb': budgetMb = BUDGET_MB[size] } = optionsOf(args);
  const path = await largeModelFile(size, signal);
  const imported = await timed(() => importModel(path, { signal, onProgress: ({ step, done, total }) => step === 'calibrate' && tell(`calibrated ${done} of ${total} boundaries`) }));
  const { manifest } = imported.value;
  tell(`${manifest.name}: ${(parametersOf(LARGE_SHAPES[size]) / 1e6).toFixed(0)} M parameters, a file of ${(manifest.file.bytes / 1e9).toFixed(2)} GB; imported in ${imported.seconds.toFixed(0)} s`);
  const prompts = QUESTIONS.map((question) => promptIdsOf(imported.value, question));
  const native = await timed(async () => nativeGreedy({ modulePath: await npmTool('onnxruntime-node', tell, signal), path, prompts, tokens }, signal));
  tell(`the native library answered ${prompts.length} questions in ${native.seconds.toFixed(0)} s, loading included; ${native.value.map(({ close }) => close).join(' and ')} of ${tokens} ids are within delta of another one`);

  await buildPage({ signal });
  const browser = await findBrowser({ report: tell, signal });
  if (browser === undefined) throw new Error('this benchmark measures tabs of a browser: install Chromium, or name one with CIRO_BROWSER');
  const budgetBytes = budgetMb * 1e6;
  const needed = shortageOf(modelFootprint(manifest), Math.min(RESERVED_POSITIONS, manifest.architecture.context), [budgetBytes]);
  if (needed === undefined) throw new BenchError(`a tab of ${budgetMb} MB holds all of ${manifest.name}: give less with --budget-mb`);
  if (needed.workerBytes !== budgetBytes) throw new BenchError(`no number of tabs of ${budgetMb} MB holds ${manifest.name}: give at least ${needed.workerBytes / 1e6} MB with --budget-mb`);
  const stages = Math.max(STAGES, needed.missingWorkers + 1);
  const ring = await askRing({ browser, modelPath: path, stages, fewest: needed.missingWorkers + 1, budgetBytes, questions: QUESTIONS, tokens, native: native.value, signal, tell });
  tell('done');
  const of = `${manifest.name}, tabs of ${budgetMb} MB`;
  return {
    seeds: [LARGE_SEED],
    rows: [
      figureRow('parameters', manifest.name, 'million', [parametersOf(LARGE_SHAPES[size]) / 1e6]),
      figureRow('import of the file: hashes, and the whole calibration where it was not cached', manifest.name, 's', [imported.seconds]),
      figureRow('ids within delta of another one, native', `${tokens} of each question`, '', native.value.map(({ close }) => close)),
      ...ring.rows.map(({ figure, unit, values }) => figureRow(figure, of, unit, values)),
    ],
    values: size === 'large' ? valuesOf(ring) : Object.fromEntries(Object.entries(valuesOf(ring)).map(([id, value]) => [id, { notMeasured: `${String(value)} with the small model, which is for trying only` }])),
    browser: browser.version,
  };
}

function optionsOf(args: readonly string[]): v.InferOutput<typeof Options> {
  const { values } = parseArgs({ args: [...args], options: { size: { type: 'string', default: 'large' }, 'budget-mb': { type: 'string' }, tokens: { type: 'string', default: '48' } } });
  const parsed = v.safeParse(Options, values);
  if (!parsed.success) throw new BenchError('usage: npm run bench -- large [--size large|small] [--budget-mb N] [--tokens N]');
  return parsed.output;
}

const promptIdsOf = ({ template, tokenizer }: ImportedModel, question: string): number[] => [...tokenizer.encodePrompt(template.render([{ role: 'user', content: question }], true))];

async function timed<T>(task: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const started = performance.now();
  return { value: await task(), seconds: (performance.now() - started) / 1000 };
}

function valuesOf({ tabs, peakMb, tokensEqual, tokensPerSecond, killSurvived }: Ring): BenchReport['values'] {
  return { tabs, renderer_mb: peakMb, tokens_equal: tokensEqual, tokens_per_s: tokensPerSecond, kill_survived: killSurvived ? 1 : 0 };
}
