import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { REFERENCE_CHUNK } from '../stages-open.ts';
import { checkAt, SAMPLED_FROM, sampleAt } from './samples.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { OpenStage } from '../stages-open.ts';
import type { OtherId } from './samples.ts';

/** What an engine is to compute for one stage. All arrays hold the prompts one after the other. */
export interface RowInputs {
  readonly prompts: number;
  /** Positions a run. */
  readonly chunk: number;
  /** Ids are sampled and checked for the first so many prompts only: a head costs as much as ten layers. Default: all. */
  readonly idPrompts?: number;
  /** Ids [prompts × positions] for a stage that embeds, else rows [prompts × positions, d]. */
  readonly input: Uint32Array | Float32Array;
  /** Ids [prompts × positions]. */
  readonly promptIds: Uint32Array;
  /** Someone else's ids [prompts × positions], to be checked with this engine's own logits (SPEC A7); only for the last stage. */
  readonly check: Uint32Array | null;
}

export interface RowOutputs {
  /** [prompts × positions, d]. */
  readonly rows: Float32Array;
  /** Last stage: the id sampled after each position, NO_ID before the answer. */
  readonly ids: Uint32Array | null;
  /** Ids of `check` that this engine's logits do not give. */
  readonly others: readonly OtherId[];
}

/** Computes every prompt, and on the last stage samples from each row of its second half. `pause` lets a page breathe. */
export async function computeRows(stage: OpenStage, last: boolean, table: CalibrationTable, inputs: RowInputs, pause: () => Promise<void> = async () => undefined): Promise<RowOutputs> {
  const { prompts, input, promptIds, check, chunk, idPrompts = prompts } = inputs;
  const { hidden } = table;
  const positions = promptIds.length / prompts;
  const size = input.length / prompts;
  const rows = new Float32Array(prompts * positions * hidden);
  const ids = last ? new Uint32Array(prompts * positions).fill(NO_ID) : null;
  const others: OtherId[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) {
    const own = await stage.run(input.subarray(prompt * size, (prompt + 1) * size), { chunk });
    rows.set(own, prompt * own.length);
    await pause();
    if (ids === null || prompt >= idPrompts) continue;
    const asked = promptIds.subarray(prompt * positions, (prompt + 1) * positions);
    await eachLogits(stage, own, hidden, (logits, position) => {
      ids[prompt * positions + position] = sampleAt(logits, prompt, asked, position);
      if (check === null) return;
      const other = checkAt(logits, prompt, asked, position, check[prompt * positions + position] ?? NO_ID, deltaOf(table));
      if (other !== undefined) others.push(other);
    });
    await pause();
  }
  return { rows, ids, others };
}

/** Logits of every sampled position of a prompt's final-norm rows. */
export async function eachLogits(stage: OpenStage, rows: Float32Array, hidden: number, use: (logits: Float32Array, position: number) => void): Promise<void> {
  const positions = rows.length / hidden;
  for (let from = SAMPLED_FROM; from < positions; from += REFERENCE_CHUNK) {
    const to = Math.min(positions, from + REFERENCE_CHUNK);
    const logits = await stage.logits(rows.slice(from * hidden, to * hidden));
    const vocabulary = logits.length / (to - from);
    for (let position = from; position < to; position++) use(logits.subarray((position - from) * vocabulary, (position - from + 1) * vocabulary), position);
  }
}
