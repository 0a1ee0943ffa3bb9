/**
 * Answers with drafts (SPEC E5) over three stages of the default model, by the pipelines that tabs run: the ids are those without, and of the
 * reference; units cover the same positions; and rows that were computed as drafts agree with those computed one by one as an audit wants them to.
 */
import { expect, test } from 'vitest';
import { fromBase64, toHex } from '@ciro/core/bytes.ts';
import { compareRows } from '@ciro/core/audit/compare-rows.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { decodeHints } from '@ciro/core/commitment/hints.ts';
import { calibrationOf } from '@ciro/core/model/parse-manifest.ts';
import { sha256Digest } from '@ciro/web/pipeline/sha256-digest.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import { THREE_STAGES, loadDefaultStages } from '../support/default-stages.ts';
import { greedyVector } from '../support/network-vectors.ts';
import { checkEvidence } from '../support/ring-evidence.ts';
import { StageRing } from '../support/stage-ring.ts';
import type { RingJob } from '../support/stage-ring.ts';

const SEED = 20_301;
/** A long prompt to be told again, and a program: of both some drafts come true and some do not. */
const CASES = ['long', 'code'];
/** Loading three stages and four answers on two shared cores. */
const TIMEOUT_MS = 400_000;

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`E8: answers with drafts are those without, and evidence of either holds for the other${NEEDS_DEFAULT_MODEL}`, async () => {
  const { manifest, held } = await loadDefaultStages();
  const { architecture } = manifest;
  const calibration = calibrationOf(manifest);
  const answer = async (name: string, maxDrafts: number): Promise<{ ring: StageRing; job: RingJob }> => {
    const { promptIds, outputIds } = greedyVector(name);
    const ring = await StageRing.make({ stages: THREE_STAGES.length, seed: SEED, maxDrafts, held });
    const job = await ring.run(promptIds, outputIds.length, (plan) => ({ ...plan, stopIds: [...manifest.stopIds] }));
    expect(job.ids, name).toEqual(outputIds);
    await checkEvidence(ring, job);
    // The next ring has the same engines.
    for (const { pipeline } of ring.workers) pipeline.caches.clear();
    return { ring, job };
  };
  const counts = { drafted: 0, accepted: 0, worstOfTau: 0 };
  for (const name of CASES) {
    const plain = await answer(name, 0);
    const drafted = await answer(name, 15);
    counts.drafted += drafted.ring.workers[0]?.pipeline.generated.drafted ?? 0;
    counts.accepted += drafted.ring.workers[0]?.pipeline.generated.accepted ?? 0;
    for (const [stage, { shape }] of held.entries()) {
      const grid = boundaryGrid(calibration, shape.heads ? architecture.layers + 1 : shape.to);
      const units = drafted.ring.sent(stage, 'unit', drafted.job);
      const rangesOf = ({ ring, job }: typeof plain): number[][] => ring.sent(stage, 'unit', job).map(({ receipt: { body } }) => [body.from, body.to]);
      expect(rangesOf(drafted)).toEqual(rangesOf(plain));
      for (const { receipt: { body }, hints } of units) {
        const pieceOf = ({ ring, job }: typeof plain): Uint8Array => ring.workers[stage]?.pipeline.after.kept.find(job.signed.plan.job, 1)?.piece('payload', body.unit) ?? new Uint8Array(0);
        expect(toHex(await sha256Digest(Uint8Array.from(pieceOf(drafted))))).toBe(body.payloadHash);
        const rows = (of: typeof plain): Float32Array => rowsIn(pieceOf(of), body.to - body.from, architecture.hidden);
        const { finding, worstOfTau } = compareRows({ unit: body.unit, from: body.from, grid, own: rows(drafted), auditor: rows(plain), flags: decodeHints(fromBase64(hints), (body.to - body.from) * architecture.hidden) });
        expect(finding, `${name}, stage ${stage}, unit ${body.unit}`).toBeNull();
        counts.worstOfTau = Math.max(counts.worstOfTau, worstOfTau);
      }
    }
  }
  console.info(JSON.stringify(counts));
  expect(counts.accepted).toBeGreaterThan(0);
  expect(counts.drafted).toBeGreaterThan(counts.accepted);
  for (const { engine } of held) await engine.dispose();
}, TIMEOUT_MS);

/** Rows of a unit's payload; the last stage's has an id behind each. */
function rowsIn(payload: Uint8Array, count: number, hidden: number): Float32Array {
  const stride = payload.length / count;
  const rows = new Float32Array(count * hidden);
  for (let row = 0; row < count; row++) rows.set(new Float32Array(payload.slice(row * stride, row * stride + 4 * hidden).buffer), row * hidden);
  return rows;
}
