/**
 * The sharded model says what the unsharded one says: stages on WASM against vectors of an independent numpy
 * implementation (origin notes inside core/vectors/*.json). Needs the default model's file: CIRO_MODEL_FILE, or the cache
 * that `npm start` fills; without it the tests are skipped with a notice.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { cacheFolder, modelFolder } from '@ciro/signaling/models/cache-folder.ts';
import { DEFAULT_MODEL } from '@ciro/signaling/models/default-model.ts';
import { openGguf } from '@ciro/signaling/models/gguf-file.ts';
import { provisionalManifest } from '@ciro/signaling/models/provisional-manifest.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { StageEngine } from '@ciro/web/engine/stage-engine.ts';

const Id = v.pipe(v.number(), v.integer());
const GreedyVectors = v.object({
  model_sha256: v.literal(DEFAULT_MODEL.sha256),
  cases: v.array(v.object({ name: v.string(), prompt_ids: v.array(Id), output_ids: v.array(Id) })),
});
const RowVectors = v.object({
  model_sha256: v.literal(DEFAULT_MODEL.sha256),
  prompt_ids: v.array(Id),
  cases: v.array(v.object({ boundary: v.string(), position: v.number(), tolerance: v.number(), row_base64: v.string() })),
});

const path = process.env['CIRO_MODEL_FILE'] ?? join(modelFolder(cacheFolder(), DEFAULT_MODEL.sha256), DEFAULT_MODEL.fileName);
const present = existsSync(path);
if (!present) console.warn(`SKIPPED: equality with the reference needs ${DEFAULT_MODEL.fileName} at ${path}; run npm start once or set CIRO_MODEL_FILE.`);

/** Prompts move in chunks of this many positions, as in the pipeline. */
const CHUNK_TOKENS = 16;
/** Whole answers are compared on three stages; the other splits stop here to keep the run short, all prompts included. */
const SHORT_ANSWER_TOKENS = 8;
/** Loading and 14 prompts on two shared cores. */
const TIMEOUT_MS = 240_000;

describe.skipIf(!present)('the default model in stages on WASM', () => {
  test.each([[1], [2], [3], [5]])('gives the reference\'s tokens for every prompt over %i stages', async (count) => {
    const { cases } = v.parse(GreedyVectors, readVectors('greedy.json'));
    expect(cases.length).toBeGreaterThanOrEqual(12);
    await using ring = await Ring.load(count);
    for (const { name, prompt_ids, output_ids } of cases) {
      const expected = count === 3 ? output_ids : output_ids.slice(0, SHORT_ANSWER_TOKENS);
      expect(await ring.answer(prompt_ids, expected.length), `prompt '${name}'`).toEqual(expected);
    }
  }, TIMEOUT_MS);

  test('passes rows within float32 rounding of the reference at every cut of three stages', async () => {
    const vectors = v.parse(RowVectors, readVectors('stage-rows.json'));
    await using ring = await Ring.load(3);
    const boundaries = await ring.rows(vectors.prompt_ids);
    const names = ['layer 9', 'layer 19', 'final norm'];
    const checked = vectors.cases.filter(({ boundary }) => names.includes(boundary));
    expect(checked.length).toBeGreaterThanOrEqual(9);
    for (const { boundary, position, tolerance, row_base64 } of checked) {
      const expected = new Float32Array(Uint8Array.from(fromBase64(row_base64)).buffer);
      const actual = boundaries[names.indexOf(boundary)]?.subarray(position * expected.length, (position + 1) * expected.length);
      const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual?.[i] ?? NaN))), 0);
      expect(error, `${boundary}, position ${position}`).toBeLessThanOrEqual(tolerance);
    }
  }, TIMEOUT_MS);
});

/** The stages of one model in one process, passing rows on as a ring of tabs does. */
class Ring {
  readonly #stages: readonly StageEngine[];

  private constructor(stages: readonly StageEngine[]) {
    this.#stages = stages;
  }

  static async load(count: number): Promise<Ring> {
    const manifest = provisionalManifest(planImport((await openGguf(path)).header));
    const { layers } = manifest.architecture;
    const stages: StageEngine[] = [];
    for (let stage = 0; stage < count; stage++) {
      const range = { from: Math.round((layers * stage) / count), to: Math.round((layers * (stage + 1)) / count) };
      const shards = (name: string): Promise<Uint8Array> => {
        const shard = manifest.shards.find((each) => each.name === name);
        if (!shard) throw new Error(`no shard ${name}`);
        return readShard(path, shard);
      };
      const signal = new AbortController().signal;
      stages.push(await StageEngine.load({ manifest, shape: stageShape(range, layers), shards, provider: 'wasm', signal }));
    }
    return new Ring(stages);
  }

  /** Greedy continuation of a prompt, `tokens` ids long. */
  async answer(prompt: readonly number[], tokens: number): Promise<number[]> {
    this.#open(prompt.length + tokens);
    let position = 0;
    let logits: Float32Array | undefined;
    for (; position < prompt.length; position += CHUNK_TOKENS) {
      logits = (await this.#lap(position, prompt.slice(position, position + CHUNK_TOKENS), true)).logits;
    }
    position = prompt.length;
    const ids: number[] = [];
    while (logits && ids.length < tokens) {
      const id = greedy(logits);
      ids.push(id);
      if (ids.length < tokens) logits = (await this.#lap(position++, [id], true)).logits;
    }
    this.#close();
    return ids;
  }

  /** Every stage's rows of a prompt, [positions, d] a stage. */
  async rows(prompt: readonly number[]): Promise<Float32Array[]> {
    this.#open(prompt.length);
    const collected: number[][] = this.#stages.map(() => []);
    for (let position = 0; position < prompt.length; position += CHUNK_TOKENS) {
      const lap = await this.#lap(position, prompt.slice(position, position + CHUNK_TOKENS), false);
      lap.rows.forEach((rows, stage) => collected[stage]?.push(...rows));
    }
    this.#close();
    return collected.map((rows) => Float32Array.from(rows));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stage of this.#stages) await stage.dispose();
  }

  async #lap(position: number, ids: readonly number[], wantLogits: boolean): Promise<{ rows: Float32Array[]; logits?: Float32Array }> {
    let input: Uint32Array | Float32Array = Uint32Array.from(ids);
    const rows: Float32Array[] = [];
    let logits: Float32Array | undefined;
    for (const stage of this.#stages) {
      const output = await stage.run('job', position, input, ids.length, { logits: wantLogits && stage.shape.heads });
      rows.push(output.rows);
      input = output.rows;
      logits = output.logits;
    }
    return { rows, ...(logits && { logits }) };
  }

  #open(positions: number): void {
    for (const stage of this.#stages) stage.openJob('job', positions);
  }

  #close(): void {
    for (const stage of this.#stages) stage.closeJob('job');
  }
}

function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../core/vectors/${name}`, import.meta.url), 'utf8'));
}
