/**
 * Several jobs in one run of the engine, with the default model over three stages. Honest engines may differ by the calibrated
 * tolerance (SPEC C4, A6); the pinned WASM build gives a row of a batch the very bits of the same row alone (SPEC E1).
 */
import { expect, test } from 'vitest';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import { loadDefaultStages } from '../support/default-stages.ts';
import { GREEDY_VECTORS } from '../support/network-vectors.ts';
import type { StageEngine } from '@ciro/web/engine/stage-engine.ts';

const CHUNK = 16;
/** Ids of each answer: jobs end one after the other, so that runs of four, three, two and one are compared. */
const ANSWERS = [16, 12, 8, 4];
/** Loading three stages and eight answers on two shared cores. */
const TIMEOUT_MS = 240_000;

interface Job {
  readonly key: string;
  readonly promptIds: readonly number[];
  readonly wanted: readonly number[];
  readonly ids: number[];
  /** By stage and generated position. */
  readonly rows: Float32Array[][];
}

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`E1: four answers at once are those of each alone, token for token and row for row${NEEDS_DEFAULT_MODEL}`, async () => {
  const stages = (await loadDefaultStages()).held.map(({ engine }) => engine);
  const vectors = GREEDY_VECTORS.filter(({ outputIds }) => outputIds.length >= (ANSWERS[0] ?? 0)).slice(0, ANSWERS.length);
  const jobsOf = (): Job[] => vectors.map(({ promptIds, outputIds }, index) => ({ key: `job ${index}`, promptIds, wanted: outputIds.slice(0, ANSWERS[index]), ids: [], rows: stages.map(() => []) }));
  expect(jobsOf()).toHaveLength(ANSWERS.length);

  const alone = jobsOf();
  for (const job of alone) {
    await prefill(stages, job);
    while (wants(job)) await decode(stages, [job]);
    for (const stage of stages) stage.closeJob(job.key);
  }
  const together = jobsOf();
  for (const job of together) await prefill(stages, job);
  for (let rest = together.filter(wants); rest.length > 0; rest = rest.filter(wants)) await decode(stages, rest);

  for (const [index, job] of together.entries()) {
    expect(job.ids).toEqual(job.wanted);
    for (const [stage, rows] of job.rows.entries()) {
      expect(rows).toHaveLength(job.wanted.length - 1);
      for (const [step, row] of rows.entries()) expect(row, `stage ${stage}, job ${index}, generated position ${step}`).toEqual(alone[index]?.rows[stage]?.[step]);
    }
  }
  for (const stage of stages) await stage.dispose();
}, TIMEOUT_MS);

const wants = ({ ids, wanted }: Job): boolean => ids.length < wanted.length;

async function prefill(stages: readonly StageEngine[], { key, promptIds, wanted, ids }: Job): Promise<void> {
  for (const stage of stages) stage.openJob(key, promptIds.length + wanted.length);
  for (let position = 0; position < promptIds.length; position += CHUNK) {
    const chunk = Uint32Array.from(promptIds.slice(position, position + CHUNK));
    const isEnd = position + chunk.length === promptIds.length;
    let input: Uint32Array | Float32Array = chunk;
    for (const stage of stages) {
      const { rows, logits } = await stage.run(key, position, input, chunk.length, { logits: isEnd && stage.shape.heads });
      input = rows;
      if (logits) ids.push(greedy(logits));
    }
  }
}

/** One lap of these jobs: each alone when it is one, else in one run a stage. */
async function decode(stages: readonly StageEngine[], jobs: readonly Job[]): Promise<void> {
  let inputs: (Uint32Array | Float32Array)[] = jobs.map(({ ids }) => Uint32Array.of(ids.at(-1) ?? 0));
  for (const [index, stage] of stages.entries()) {
    const batch = jobs.map(({ key, promptIds, ids }, job) => ({ jobKey: key, position: promptIds.length + ids.length - 1, input: inputs[job] ?? new Float32Array(), logits: stage.shape.heads }));
    const [only] = batch;
    const outputs = batch.length === 1 && only !== undefined ? [await stage.run(only.jobKey, only.position, only.input, 1, { logits: only.logits })] : await stage.runBatch(batch);
    for (const [job, { rows, logits }] of outputs.entries()) {
      jobs[job]?.rows[index]?.push(rows);
      if (logits) jobs[job]?.ids.push(greedy(logits));
    }
    inputs = outputs.map(({ rows }) => rows);
  }
}
