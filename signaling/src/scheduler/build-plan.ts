import * as v from 'valibot';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { JobPlan } from '@ciro/core/job/plan.ts';
import type { PlanPrefix } from '@ciro/core/job/plan.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { SchedulerError } from './scheduler-error.ts';
import type { WorkerIdentity } from '../sessions/worker.ts';
import type { JobOrder } from './job-order.ts';

/** Prompt ids as they travel and are hashed: little-endian uint32 (SPEC P1). */
export function idBytes(ids: Iterable<number>): Uint8Array<ArrayBuffer> {
  const list = [...ids];
  const view = new DataView(new ArrayBuffer(list.length * 4));
  list.forEach((id, index) => view.setUint32(index * 4, id, true));
  return new Uint8Array(view.buffer);
}

export const idsHash = (ids: Iterable<number>): HexHash => toHex(sha256(idBytes(ids))) as HexHash;

/** A stage to be planned, with its worker's commitment to a nonce for the audit draw (SPEC A1). */
export interface StageToPlan {
  readonly worker: WorkerIdentity;
  readonly layers: readonly [number, number];
  readonly nonce: HexHash | null;
}

/** The plan of an order over these stages, not yet signed. `nonce`: 32 bytes, the coordinator's, opened in the record. Throws `bad-order`. */
export function buildPlan(
  order: JobOrder,
  stages: readonly StageToPlan[],
  options: { readonly network: string; readonly version: number; readonly nonce: Uint8Array; readonly prefix?: PlanPrefix | undefined },
): JobPlan {
  const result = v.safeParse(JobPlan, {
    format: 2,
    network: options.network,
    job: order.job,
    version: options.version,
    modelId: order.modelId,
    precision: 'f32',
    stages: stages.map(({ worker, layers, nonce }) => ({ worker: worker.nodeId, devicePublicKey: worker.devicePublicKey, layers: [...layers], nonce })),
    sampler: order.sampler,
    promptHash: idsHash(order.promptIds),
    promptTokens: order.promptIds.length,
    maxTokens: order.maxTokens,
    ...(order.drawnFrom === undefined ? {} : { drawnFrom: order.drawnFrom }),
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    stopIds: [...order.stopIds],
    quote: order.quote,
    nonces: { coordinator: toHex(sha256(options.nonce)), requester: order.requesterNonce },
  });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new SchedulerError('bad-order', `job ${order.job} makes no plan: ${v.getDotPath(issue) ?? 'plan'}: ${issue.message}`, { fault: 'bug', fields: { job: order.job } });
}
