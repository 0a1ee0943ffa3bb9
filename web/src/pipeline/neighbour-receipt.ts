import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { reusedPositions } from '@ciro/core/job/plan.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { Receipt } from '@ciro/core/receipt/receipt.ts';
import { refuse } from './frame-check.ts';
import { MAX_RECEIPT_BYTES } from './stage-limits.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { StageError } from './stage-error.ts';
import type { EvidenceJob } from './unit-evidence.ts';

export const badReceipt = (frame: Frame, what: string): StageError => refuse('bad-receipt', frame, `holds a receipt that ${what}`);

/**
 * The receipt in a frame from upstream, if it is about the stage above ours of this very job and about a unit of the grid.
 * `left` receipts may still come. The signature is not looked at here. Throws StageError `bad-receipt`.
 */
export function readReceipt(frame: Frame, job: EvidenceJob, network: string, left: number): Receipt {
  if (left <= 0) throw badReceipt(frame, 'is one more than the job has units');
  if (frame.payload.length > MAX_RECEIPT_BYTES) throw badReceipt(frame, `has ${frame.payload.length} bytes; at most ${MAX_RECEIPT_BYTES}`);
  let receipt: Receipt;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame.payload));
    receipt = parseAs(Receipt, value, 'receipt from a neighbour');
  } catch (cause) {
    throw badReceipt(frame, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const { body } = receipt;
  const above = (job.stage + job.plan.stages.length - 1) % job.plan.stages.length;
  if (body.network !== network || body.job !== job.plan.job || body.planHash !== job.planHash) throw badReceipt(frame, 'belongs to another plan');
  if (body.stage !== above || body.worker !== job.upstream) throw badReceipt(frame, `speaks for stage ${body.stage} of ${body.worker}`);
  const onGrid = body.from === body.unit * UNIT_POSITIONS && body.from >= reusedPositions(job.plan) && body.to > body.from && body.to <= Math.min(body.from + UNIT_POSITIONS, job.positions);
  if (!onGrid) throw badReceipt(frame, `covers positions ${body.from} to ${body.to} as unit ${body.unit}`);
  return receipt;
}
