/** Has every engine compute a model's stages from the same inputs. */
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { eachLogits } from './engines/compute-rows.ts';
import { EngineMissing } from './engines/row-engine.ts';
import { sampleAt, checkAt } from './engines/samples.ts';
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { PROMPT_POSITIONS } from './prompts.ts';
import { openStage } from './stages.ts';
import type { RowOutputs } from './engines/compute-rows.ts';
import type { OtherId } from './engines/samples.ts';
import type { EngineContext, EngineName, EngineSpec } from './honest-engines.ts';
import type { StageWork } from './honest-verdicts.ts';
import type { BenchModel, StageIndex } from './models.ts';
import type { Reference } from './stages-reference.ts';
import type { OpenStage } from './stages-open.ts';

/** An engine's work on all three stages; or why there is none. */
export type EngineWork = { readonly stages: readonly RowOutputs[]; readonly version: string | undefined } | { readonly missing: string };

/** The reference's rows, its ids, and the head that checks those of others. */
export interface ReferenceWork extends AsyncDisposable {
  readonly reference: Reference;
  readonly promptIds: Uint32Array;
  work(stage: StageIndex): StageWork;
  /** Ids of a last stage's work that the reference's own logits do not give. */
  others(work: StageWork, prompts: number): Promise<OtherId[]>;
}

/** Samples the reference's ids from its final-norm rows. */
export async function referenceWork(model: BenchModel, reference: Reference): Promise<ReferenceWork> {
  const { layers, hidden } = model.manifest.architecture;
  const { ids: prompts } = reference.prompts;
  const promptIds = new Uint32Array(prompts.length * PROMPT_POSITIONS);
  prompts.forEach((ids, prompt) => promptIds.set(ids, prompt * PROMPT_POSITIONS));
  const head = await openStage(model, { from: layers, to: layers, embeds: false, heads: true });
  const ids = new Uint32Array(promptIds.length).fill(NO_ID);
  for (const [prompt, asked] of prompts.entries()) {
    await eachLogits(head, reference.rows(2, prompt), hidden, (logits, position) => {
      ids[prompt * PROMPT_POSITIONS + position] = sampleAt(logits, prompt, asked, position);
    });
  }
  return {
    reference,
    promptIds,
    work: (stage) => ({ rows: reference.all(stage), ids: stage === 2 ? ids : null }),
    others: (work, count) => othersOf(model, head, work, reference, count),
    [Symbol.asyncDispose]: () => head[Symbol.asyncDispose](),
  };
}

async function othersOf(model: BenchModel, head: OpenStage, { ids }: StageWork, reference: Reference, count: number): Promise<OtherId[]> {
  const others: OtherId[] = [];
  if (ids === null) return others;
  for (const [prompt, asked] of reference.prompts.ids.slice(0, count).entries()) {
    const own = ids.subarray(prompt * PROMPT_POSITIONS, (prompt + 1) * PROMPT_POSITIONS);
    if (own.every((id) => id === NO_ID)) continue;
    await eachLogits(head, reference.rows(2, prompt), model.table.hidden, (logits, position) => {
      const other = checkAt(logits, prompt, asked, position, own[position] ?? NO_ID, deltaOf(model.table));
      if (other !== undefined) others.push(other);
    });
  }
  return others;
}

/** Prompts that an engine computes. */
export const promptsFor = ({ prompts = Infinity }: Pick<EngineSpec, 'prompts'>, reference: Reference): number => Math.min(prompts, reference.prompts.ids.length);

/** The work of every engine: those that take one core two at a time, the others alone. */
export async function allWork(specs: readonly EngineSpec[], model: BenchModel, own: ReferenceWork, context: EngineContext): Promise<ReadonlyMap<EngineName, EngineWork>> {
  const found = new Map<EngineName, EngineWork>();
  const run = async (spec: EngineSpec): Promise<void> => {
    const started = performance.now();
    const work = await engineWork(spec, model, own, context);
    context.say(`${model.key}, ${spec.name}: ${'missing' in work ? `NOT MEASURED: ${work.missing}` : `${((performance.now() - started) / 1000).toFixed(0)} s`}`);
    found.set(spec.name, work);
  };
  for (const spec of specs.filter(({ alone }) => alone)) await run(spec);
  const queue = specs.filter(({ alone }) => !alone);
  const lane = async (): Promise<void> => {
    for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) await run(spec);
  };
  await Promise.all([lane(), lane()]);
  return found;
}

async function engineWork(spec: EngineSpec, model: BenchModel, { reference, promptIds, work }: ReferenceWork, context: EngineContext): Promise<EngineWork> {
  try {
    await using engine = await spec.open(context);
    const prompts = promptsFor(spec, reference);
    const size = prompts * PROMPT_POSITIONS;
    const stages: RowOutputs[] = [];
    for (const stage of model.stages) {
      const before = stage.index === 0 ? undefined : work(stage.index === 1 ? 0 : 1).rows;
      const { ids } = work(stage.index);
      stages.push(
        await engine.compute(model, stage, {
          prompts,
          chunk: spec.chunk,
          ...(spec.idPrompts !== undefined && { idPrompts: spec.idPrompts }),
          input: before?.slice(0, size * model.table.hidden) ?? promptIds.slice(0, size),
          promptIds: promptIds.slice(0, size),
          check: ids && ids.slice(0, size),
        }),
      );
    }
    return { stages, version: engine.version };
  } catch (error) {
    if (error instanceof EngineMissing) return { missing: error.message };
    throw error;
  }
}
