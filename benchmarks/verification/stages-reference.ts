import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import { openStage } from './stages.ts';
import type { BenchModel, BenchStage, StageIndex } from './models.ts';
import type { PromptSet } from './prompts.ts';

const ROWS_ENDING = '.f32';

/** Rows of the reference run for every prompt, and the fixed inputs that every other engine gets for the same stage. */
export interface Reference {
  readonly prompts: PromptSet;
  /** What the stage is given: a prompt's ids, or the reference's rows [positions, d] of the stage before. */
  input(stage: StageIndex, prompt: number): Uint32Array | Float32Array;
  /** The reference's rows [positions, d] of a prompt. */
  rows(stage: StageIndex, prompt: number): Float32Array;
  /** All prompts' rows of a stage, one after the other. */
  all(stage: StageIndex): Float32Array;
}

/** The reference rows of all prompts; computed when they are not in the cache (SmolLM2, 200 prompts: two minutes). */
export async function referenceOf(model: BenchModel, prompts: PromptSet, say: (line: string) => void = () => undefined): Promise<Reference> {
  const { hidden } = model.manifest.architecture;
  const size = (prompts.ids[0]?.length ?? 0) * hidden;
  const stages: Float32Array[] = [];
  const input = (stage: StageIndex, prompt: number): Uint32Array | Float32Array => (stage === 0 ? promptIds(prompts, prompt) : cut(stages[stage - 1], prompt, size));
  for (const stage of model.stages) stages.push(await rowsOf(model, stage, prompts, (prompt) => input(stage.index, prompt), say));
  return {
    prompts,
    input,
    rows: (stage, prompt) => cut(stages[stage], prompt, size),
    all: (stage) => stages[stage] ?? new Float32Array(),
  };
}

/** Deletes all cached rows: every run of the bench makes its own. */
export async function forgetReferences(): Promise<void> {
  const folder = join(cacheFolder(), 'verification');
  for (const name of await readdir(folder).catch(() => [])) if (name.endsWith(ROWS_ENDING)) await rm(join(folder, name), { force: true });
}

function promptIds({ ids }: PromptSet, prompt: number): Uint32Array {
  const found = ids[prompt];
  if (found === undefined) throw new RangeError(`there is no prompt ${prompt}`);
  return found;
}

function cut(rows: Float32Array | undefined, prompt: number, size: number): Float32Array {
  const found = rows?.subarray(prompt * size, (prompt + 1) * size);
  if (found?.length !== size) throw new RangeError(`there are no rows of prompt ${prompt}`);
  return found;
}

async function rowsOf(model: BenchModel, stage: BenchStage, prompts: PromptSet, input: (prompt: number) => Uint32Array | Float32Array, say: (line: string) => void): Promise<Float32Array> {
  const file = join(cacheFolder(), 'verification', `${model.key}-${stage.name}-${keyOf(model, stage, prompts)}${ROWS_ENDING}`);
  const known = await readFile(file).catch(() => undefined);
  if (known !== undefined) return new Float32Array(known.buffer, known.byteOffset, known.byteLength / 4);
  const started = performance.now();
  const parts: Float32Array[] = [];
  await using open = await openStage(model, stage.shape);
  for (let prompt = 0; prompt < prompts.ids.length; prompt++) parts.push(await open.run(input(prompt)));
  say(`reference, ${model.key}, ${stage.name} stage: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const rows = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.forEach((part, index) => rows.set(part, index * part.length));
  await mkdir(join(cacheFolder(), 'verification'), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, new Uint8Array(rows.buffer));
  await rename(draft, file);
  return rows;
}

/** Everything the rows depend on, graphs included: after a change of the engine they are made again. */
function keyOf({ manifest, id }: BenchModel, { shape }: BenchStage, { key }: PromptSet): string {
  const hash = createHash('sha256').update(id).update(key).update(buildLayersGraph(manifest.architecture, shape).bytes);
  if (shape.heads) hash.update(buildHeadGraph(manifest.architecture).bytes);
  return hash.digest('hex').slice(0, 16);
}
