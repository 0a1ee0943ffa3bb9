import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { SignatureVerifier } from '@ciro/web/pipeline/device-signature.ts';
import { RING_NETWORK } from './stage-ring.ts';
import type { RingJob, StageRing } from './stage-ring.ts';

const verifier = new SignatureVerifier();

/** Ids of an answer and, of every stage, the hashes of what went in and came out: the same however its rows were carried. */
export interface RingClaims {
  readonly ids: readonly number[];
  readonly hashes: readonly string[];
}

export const claimsOf = (ring: StageRing, job: RingJob): RingClaims => ({
  ids: job.ids,
  hashes: ring.workers.flatMap((_, stage) => ring.sent(stage, 'unit', job).map(({ receipt: { body } }) => `${stage}: ${body.from} to ${body.to}, ${body.inputHash} ${body.payloadHash} ${body.linkHash}`)),
});

/** Every claim that a finished job makes, checked from outside with the messages alone. */
export async function checkEvidence(ring: StageRing, job: RingJob): Promise<void> {
  const { plan } = job.signed;
  const stages = ring.workers.length;
  const all = ring.workers.map((_, stage) => ring.sent(stage, 'unit', job));
  const accepted = job.acceptedTo ?? 0;
  for (const [stage, worker] of ring.workers.entries()) {
    const mine = all[stage] ?? [];
    // Whole units, and one that ends where the coordinator ended the job; a unit that was full before that stays.
    const ranges = mine.map(({ receipt: { body } }) => [body.from, body.to]);
    const end = ranges.at(-1)?.[1] ?? 0;
    expect(ranges, `units of stage ${stage}`).toEqual(gridTo(end));
    expect(end === accepted || (end > accepted && end % 16 === 0), `stage ${stage} ends at ${end} of ${accepted}`).toBe(true);
    expect(ring.sent(stage, 'fault', job)).toEqual([]);
    expect(ring.sent(stage, 'disagree', job)).toEqual([]);
    for (const { receipt } of mine) expect(await verifier.verify(worker.devicePublicKey, receiptBytes(receipt.body), receipt.signature)).toBe(true);
    const root = ring.sent(stage, 'root', job);
    expect(root).toHaveLength(1);
    const context = { network: RING_NETWORK, worker: worker.node, job: plan.job, planHash: planHashOf(plan), stage, modelId: plan.modelId, precision: 'f32' } as const;
    const leaves = mine.map((unit, index) => leafHash(context, { ...unit.receipt.body, canonHash: unit.canonHash, hintHash: unit.hintHash }, root[0]?.salts[index] ?? ''));
    expect(root[0]?.root).toBe(merkleRoot(leaves));
    expect(mine.map(({ hints }) => createHash('sha256').update(Buffer.from(hints, 'base64')).digest('hex'))).toEqual(mine.map(({ hintHash }) => hintHash));
    if (stages === 1) continue;
    const below = (stage + 1) % stages;
    const acknowledged = new Map(ring.sent(below, 'acknowledge', job).map(({ acknowledgement }) => [acknowledgement.receiptHash, acknowledgement]));
    for (const [index, { receipt }] of mine.entries()) {
      const word = acknowledged.get(receiptHash(receipt.body));
      expect(word, `acknowledgement of stage ${stage}, unit ${index}`).toBeDefined();
      expect(await verifier.verify(ring.workers[below]?.devicePublicKey ?? '', acknowledgementBytes(receiptHash(receipt.body), word?.signer ?? 'coordinator'), word?.signature ?? '')).toBe(true);
      const theirs = all[below]?.[index]?.receipt.body;
      if (below !== 0 && theirs?.to === receipt.body.to) expect(theirs.inputHash).toBe(receipt.body.linkHash);
    }
  }
  const following = [...Array<number>(plan.promptTokens - 1).fill(NO_ID), ...job.ids, ...job.surplus];
  for (const { receipt: { body } } of all[stages - 1] ?? []) {
    expect(body.linkHash).toBe(createHash('sha256').update(new Uint8Array(Uint32Array.from(following.slice(body.from, body.to)).buffer)).digest('hex'));
  }
}

const gridTo = (end: number): number[][] => Array.from({ length: Math.ceil(end / 16) }, (_, unit) => [unit * 16, Math.min(end, unit * 16 + 16)]);
