import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { SampledIdTally } from '@ciro/core/audit/sampled-id-tally.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { payloadRows } from '@ciro/core/commitment/payload-rows.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { SamplingError } from '@ciro/core/sampling/sampling-error.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import { openReferenceHead, throughLayers } from '../models/reference-run.ts';
import { followIds } from './follow-ids.ts';
import type { ReferenceTask } from './ports.ts';

type ReadShard = (name: string) => Promise<Uint8Array>;

/** What a wrong id's gap is when its row gives no logits at all: as far off as any float can be. */
const NO_LOGITS_GAP = 2 ** 128;

/**
 * The reference run of one stage (SPEC D3): layer after layer, so that the weights of one are in memory, whatever the stage
 * holds. `ids` looks at the committed ids with the model's own head, over the rows of this run (SPEC A7, A10).
 */
export async function runReferenceStage(manifest: ModelManifest, readShard: ReadShard, task: Omit<ReferenceTask, 'modelId'>): Promise<{ readonly rows: Float32Array; readonly ids: SampledIds | null }> {
  const [rows] = await throughLayers(manifest, readShard, task.layers, [await firstRows(manifest, readShard, task)]);
  if (rows === undefined) throw new RangeError('a run of one sequence gave none');
  if (task.check !== undefined) return { rows, ids: await checkIds(manifest, readShard, rows, task.check) };
  return { rows, ids: task.follow === undefined ? null : await followIds(manifest, readShard, rows, { layers: task.layers, follow: task.follow }) };
}

async function firstRows(manifest: ModelManifest, readShard: ReadShard, { layers, inputs }: Pick<ReferenceTask, 'layers' | 'inputs'>): Promise<Float32Array> {
  const { buffer } = Uint8Array.from(inputs);
  return layers[0] === 0 ? new EmbeddingTable(manifest, await readShard('embedding')).rows(new Uint32Array(buffer)) : new Float32Array(buffer);
}

async function checkIds(manifest: ModelManifest, readShard: ReadShard, rows: Float32Array, { payload, sampling }: NonNullable<ReferenceTask['check']>): Promise<SampledIds> {
  const { hidden } = manifest.architecture;
  const committed = committedIds(payload, hidden);
  // Nothing was drawn at positions of earlier jobs (SPEC V2).
  const ids = new Uint32Array(rows.length / hidden).fill(NO_ID);
  ids.set(committed, ids.length - committed.length);
  const tally = new SampledIdTally(ids, { ...sampling, delta: deltaOf(decodeCalibration(fromBase64(manifest.calibration.base64))) });
  const { positions } = tally;
  if (positions.length === 0) return tally.result;
  const head = await openReferenceHead(manifest, readShard);
  try {
    for (const position of positions) tally.add(position, await head.logits(rows.slice(position * hidden, (position + 1) * hidden)));
    return tally.result;
  } catch (error) {
    if (!(error instanceof SamplingError)) throw error;
    // The row at hand holds what is no number: nothing can have been sampled from it.
    const { checked, ambiguous, wrong } = tally.result;
    const position = positions[checked] ?? 0;
    return { checked: positions.length, ambiguous, wrong: [{ position, id: ids[position] ?? 0, gap: NO_LOGITS_GAP }, ...wrong].slice(0, 16) };
  } finally {
    await head.release();
  }
}

/** Ids of a whole payload. Throws RangeError unless it is rows with ids. */
function committedIds(payload: Uint8Array, channels: number): Uint32Array {
  const stride = 4 * channels + 4;
  const count = payload.length / stride;
  const ids = new Uint32Array(count);
  for (let from = 0; from < count; from += UNIT_POSITIONS) {
    const positions = Math.min(UNIT_POSITIONS, count - from);
    const part = payloadRows(payload.subarray(from * stride, (from + positions) * stride), { positions, channels, ids: true });
    if (part === undefined) throw new RangeError(`${payload.length} bytes are no rows of ${channels} channels with their ids`);
    ids.set(part.ids, from);
  }
  return ids;
}
