import { blindBytes, blindCommitment, rowPieces } from '@ciro/core/audit/blind.ts';
import { toHex } from '@ciro/core/bytes.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import { AuditError } from './audit-error.ts';
import { REFERENCE_ATTEMPTS } from './audit-limits.ts';
import { joined } from './opinion.ts';
import { sha256Hex } from './piece-assembler.ts';
import type { AuditId } from '@ciro/core/ids.ts';
import type { Answer } from './auditing.ts';
import type { ReferenceRun } from './ports.ts';
import type { StageCase } from './stage-case.ts';
import type { StagePieces } from './supply.ts';

export interface OwnDeps {
  readonly reference: ReferenceRun;
  readonly key: CoordinatorKey;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly newAuditId: () => AuditId;
}

/**
 * The coordinator's own answer from its reference run (SPEC A3, A8), committed to and signed like any other, and never
 * independent. Throws AuditError `reference-failed` when the run gave no rows again and again.
 */
export async function ownAnswer(deps: OwnDeps, record: JobRecord, stage: StageCase, pieces: StagePieces, signal: AbortSignal): Promise<Answer> {
  const { plan } = record.signed;
  const positions = stage.units[pieces.payloads.length - 1]?.to ?? 0;
  const payload = joined(pieces.payloads);
  const sampling = { sampler: plan.sampler, promptTokens: plan.promptTokens };
  const check = stage.sampling === null ? { follow: { payload, ids: idsOf(record, positions), sampling } } : { check: { payload, sampling } };
  const task = { modelId: plan.modelId, layers: stage.layers, positions, inputs: joined(pieces.inputs), ...check };
  const { rows, ids } = await untilItRuns(() => deps.reference.run(task, signal), signal);
  // Rows of earlier jobs only led to those that are looked at.
  const named = rowPieces(rows.subarray(stage.prefix.length * UNIT_POSITIONS * stage.channels), stage.channels).map((bytes) => ({ sha256: sha256Hex(bytes), bytes: Uint8Array.from(bytes) }));
  const audit = deps.newAuditId();
  const salt = toHex(deps.randomBytes(16));
  const commitment = blindCommitment({ network: plan.network, audit, job: plan.job, planHash: record.planHash, stage: stage.stage, auditor: 'coordinator', salt, rows: named.map(({ sha256 }) => sha256) });
  return { audit, auditor: 'coordinator', devicePublicKey: deps.key.publicKey, engine: 'reference', commitment, signature: await deps.key.sign(blindBytes(commitment)), salt, rows: named, ids };
}

/** Ids that follow the first `positions` positions; none before the last of the prompt. */
function idsOf({ promptIds, tokenIds, surplusIds }: JobRecord, positions: number): Uint32Array {
  const drawn = [...tokenIds, ...surplusIds];
  return Uint32Array.from({ length: positions }, (_, position) => drawn[position - (promptIds.length - 1)] ?? NO_ID);
}

async function untilItRuns<Result>(run: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof AuditError) || error.code !== 'reference-failed' || attempt >= REFERENCE_ATTEMPTS) throw error;
    }
  }
}
