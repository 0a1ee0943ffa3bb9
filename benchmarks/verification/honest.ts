/** The honest part of `npm run bench -- verification`: two engines that both computed what they should must never be told apart. */
import { availableParallelism } from 'node:os';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { mostRate } from './attacks/caught-rate.ts';
import { openComputePage } from './engines/page-engine.ts';
import { allWork, promptsFor, referenceWork } from './honest-rows.ts';
import { ENGINES, PAIRS } from './honest-engines.ts';
import { joinedResults, judgePair } from './honest-verdicts.ts';
import { loadModel, MODEL_KEYS } from './models.ts';
import { PROMPT_SEED, PROMPTS, promptsOf } from './prompts.ts';
import { SEEDED_MODEL_SEED } from './models-seeded.ts';
import { referenceOf } from './stages-reference.ts';
import { byPair, summarise } from './honest-values.ts';
import type { ComputePage } from './engines/page-engine.ts';
import type { EngineName } from './honest-engines.ts';
import type { EngineWork, ReferenceWork } from './honest-rows.ts';
import type { Audit, PairResult, StageWork } from './honest-verdicts.ts';
import type { BenchModel, BenchStage, ModelKey } from './models.ts';
import type { Part, PartContext, PartReport } from './part.ts';

/** One pair on one stage of one model. */
export interface HonestResult extends PairResult {
  readonly model: ModelKey;
  readonly pair: string;
  readonly engine: EngineName;
  readonly stage: BenchStage['name'];
  readonly prompts: number;
}

/** Pairs that this machine could not make, with the reason. */
export type MissingPairs = ReadonlyMap<string, string>;

export interface HonestOptions {
  /** Engines left out; a test leaves out those that take minutes. */
  readonly without?: readonly EngineName[];
  readonly models?: readonly ModelKey[];
  /** Default true: engines from npm are fetched into the cache. */
  readonly fetchTools?: boolean;
}

export const honestPart: Part = {
  name: 'honest',
  bars: ['honest_rows', 'honest_prompts', 'honest_match_percent', 'swiftshader_rows', 'swiftshader_rejects', 'hardware_gpu_rows', 'fraud_proofs', 'reference_engines'],
  run: (context) => runHonest(context),
};

/** Runs all pairs, and says in its values what they come to. */
export async function runHonest(context: PartContext, { without = [], models = MODEL_KEYS, fetchTools = true }: HonestOptions = {}): Promise<PartReport> {
  const { say, signal, share } = context;
  const specs = ENGINES.filter(({ name }) => !without.includes(name));
  await using stack = new AsyncDisposableStack();
  let built: Promise<ComputePage> | undefined;
  const page = (): Promise<ComputePage> => (built ??= openComputePage(signal).then((opened) => stack.use(opened)));
  const results: HonestResult[] = [];
  const missing = new Map<string, string>(without.map((name) => [name, 'left out of this run']));
  const versions = new Set<string>();
  say(`honest pairs on ${availableParallelism()} cores: ${models.join(', ')}, ${Math.ceil(PROMPTS / share)} prompts`);
  for (const key of models) {
    signal.throwIfAborted();
    const model = await loadModel(key, signal);
    const prompts = await promptsOf(model, share);
    await using own = await referenceWork(model, await referenceOf(model, prompts, say));
    const work = await allWork(specs, model, own, { page, say, signal, fetchTools });
    for (const [name, found] of work) {
      if ('missing' in found) missing.set(name, found.missing);
      else if (found.version !== undefined) versions.add(found.version);
    }
    for (const pair of PAIRS) {
      signal.throwIfAborted();
      results.push(...(await judgeStages(model, own, work, pair)));
    }
    say(`${key}: all pairs judged`);
  }
  return {
    seeds: [PROMPT_SEED, SEEDED_MODEL_SEED],
    rows: byPair(results).flatMap((pair) => [...pair.map((result) => rowOf(result, result.stage)), ...pair.slice(0, 1).map((first) => rowOf({ ...first, ...joinedResults(pair) }, 'all'))]),
    values: summarise(results, missing, share, models),
    ...(versions.size > 0 && { browser: [...versions].join(', ') }),
  };
}

async function judgeStages(model: BenchModel, own: ReferenceWork, work: ReadonlyMap<EngineName, EngineWork>, { name, engine, against }: (typeof PAIRS)[number]): Promise<HonestResult[]> {
  const one = work.get(engine);
  const other = against === 'reference' ? undefined : work.get(against);
  if (one === undefined || 'missing' in one || (against !== 'reference' && (other === undefined || 'missing' in other))) return [];
  const prompts = promptsFor(ENGINES.find((spec) => spec.name === engine) ?? {}, own.reference);
  const results: HonestResult[] = [];
  for (const stage of model.stages) {
    const a = one.stages[stage.index];
    const b = other !== undefined && 'stages' in other ? other.stages[stage.index] : undefined;
    if (a === undefined || (other !== undefined && b === undefined)) throw new Error(`${name}: there is no work on the ${stage.name} stage`);
    const reference = own.work(stage.index);
    // Every engine checked the reference's ids with its own head. Work that is the reference's, bit for bit, was so checked by
    // any of them; the reference itself gives its own ids.
    const forward: Audit = { worker: a, auditor: (b ?? reference).rows, others: sameWork(a, reference) ? (b?.others ?? []) : await own.others(a, prompts) };
    const backward: Audit = { worker: withIdsOf(b ?? reference, a), auditor: a.rows, others: b === undefined || sameWork(b, reference) ? a.others : await own.others(b, prompts) };
    const input = (prompt: number): Uint8Array => {
      const part = own.reference.input(stage.index, prompt);
      return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    };
    results.push({ model: model.key, pair: name, engine, stage: stage.name, prompts, ...judgePair(model, stage, { prompts, input, reference: reference.rows, forward, backward }) });
  }
  return results;
}

const sameBytes = (a: Float32Array | Uint32Array, b: Float32Array | Uint32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

const sameWork = (a: StageWork, b: StageWork): boolean => sameBytes(a.rows, b.rows) && (a.ids === null || b.ids === null || sameBytes(a.ids, b.ids));

/** Where an engine sampled for fewer prompts it also checked fewer: ids that nobody checked don't count as checked. */
function withIdsOf(work: StageWork, checker: StageWork): StageWork {
  if (work.ids === null || checker.ids === null) return work;
  const { ids } = checker;
  return { rows: work.rows, ids: work.ids.slice(0, ids.length).map((id, at) => (ids[at] === NO_ID ? NO_ID : id)) };
}

/** The last line of a pair is all its stages together. */
function rowOf(result: HonestResult, stage: string): PartReport['rows'][number] {
  return {
    part: 'honest',
    model: result.model,
    pair: result.pair,
    stage,
    rows: result.rows,
    row_failures: result.misses,
    row_bound_95: mostRate(result.misses, result.rows),
    units: result.units,
    unit_failures: result.unitMisses,
    unit_bound_95: mostRate(result.unitMisses, result.units),
    bit_equal: result.bitEqual,
    max_of_tau: result.worstOfTau,
    max_of_tau_at_0: result.worstOfTauAtZero,
    mean_of_tau: result.meanOfTau,
    bias_of_tau: result.biasOfTau,
    early_grid_failures: result.gridMisses,
    ids: result.idsChecked,
    ids_ambiguous: result.idsAmbiguous,
    ids_wrong: result.idsWrong,
    near_passes: result.near,
    fraud_proofs: result.fraudProofs,
  };
}
