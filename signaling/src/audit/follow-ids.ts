import { compareRows } from '@ciro/core/audit/compare-rows.ts';
import { isNear } from '@ciro/core/audit/near-verdict.ts';
import { checkId, deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { SamplingError } from '@ciro/core/sampling/sampling-error.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import { openReferenceHead, throughLayers } from '../models/reference-run.ts';
import type { ReferenceTask } from './ports.ts';

type ReadShard = (name: string) => Promise<Uint8Array>;

const MAX_TURNED_IDS = 16;

/**
 * Ids of the answer that a stage's committed rows give and the reference's own do not (SPEC A10): both are taken through the layers
 * that follow, side by side, so that the weights of one layer are in memory. Null when the rows are not near: nothing was followed.
 *
 * @param rows [positions, hidden], the reference's at the end of the stage
 */
export async function followIds(manifest: ModelManifest, readShard: ReadShard, rows: Float32Array, { layers: [, to], follow: { payload, ids, sampling } }: { readonly layers: ReferenceTask['layers']; readonly follow: NonNullable<ReferenceTask['follow']> }): Promise<SampledIds | null> {
  const { hidden, layers } = manifest.architecture;
  const table = decodeCalibration(fromBase64(manifest.calibration.base64));
  const looked = new Float32Array(Uint8Array.from(payload).buffer);
  const first = rows.length - looked.length;
  if (first < 0 || !isNear(compareRows({ unit: 0, from: first / hidden, grid: boundaryGrid(table, to), own: looked, auditor: rows.subarray(first), flags: new Uint32Array(0) }))) return null;
  // Rows of earlier jobs are not looked at: below the first unit both are the reference's own.
  const committed = rows.slice();
  committed.set(looked, first);
  const [own = new Float32Array(), theirs = new Float32Array()] = await throughLayers(manifest, readShard, [to, layers], [rows, committed]);
  const head = await openReferenceHead(manifest, readShard);
  const stateOf = async (final: Float32Array, position: number, id: number): Promise<{ state: string; gap: number }> => {
    const logits = await head.logits(final.slice(position * hidden, (position + 1) * hidden));
    return checkId({ logits, sampler: sampling.sampler, position, id, recentIds: ids.subarray(sampling.promptTokens - 1, position), delta: deltaOf(table) });
  };
  const found = { checked: 0, ambiguous: 0, wrong: [] as SampledIds['wrong'] };
  try {
    for (let position = sampling.promptTokens - 1; position < ids.length; position++) {
      const id = ids[position] ?? NO_ID;
      if (id === NO_ID) continue;
      const { state, gap } = await stateOf(own, position, id);
      found.checked++;
      if (state === 'ambiguous') found.ambiguous++;
      // An id that the committed rows do not give either was made by a later stage.
      if (state === 'wrong' && found.wrong.length < MAX_TURNED_IDS && (await stateOf(theirs, position, id)).state !== 'wrong') found.wrong.push({ position, id, gap });
    }
    return found;
  } catch (error) {
    // Rows that give no logits: what is wrong with them shows element by element, or lies with the stages that follow.
    if (error instanceof SamplingError) return null;
    throw error;
  } finally {
    await head.release();
  }
}
