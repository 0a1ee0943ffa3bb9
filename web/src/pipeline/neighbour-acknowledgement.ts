import { parseAs } from '@ciro/core/protocol/parse.ts';
import { Acknowledgement } from '@ciro/core/receipt/receipt.ts';
import { refuse } from './frame-check.ts';
import { MAX_RECEIPT_BYTES } from './stage-limits.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { StageError } from './stage-error.ts';
import type { EvidenceJob } from './unit-evidence.ts';

export const badAcknowledgement = (frame: Frame, what: string): StageError => refuse('bad-acknowledgement', frame, `holds an acknowledgement that ${what}`);

/**
 * The acknowledgement in a frame from downstream, if downstream is whom it names. `left` may still come. Signature and
 * receipt are not looked at here. Throws StageError `bad-acknowledgement`.
 */
export function readAcknowledgement(frame: Frame, job: EvidenceJob, left: number): Acknowledgement {
  if (left <= 0) throw badAcknowledgement(frame, 'is one more than the job has units');
  if (frame.payload.length > MAX_RECEIPT_BYTES) throw badAcknowledgement(frame, `has ${frame.payload.length} bytes; at most ${MAX_RECEIPT_BYTES}`);
  let acknowledgement: Acknowledgement;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame.payload));
    acknowledgement = parseAs(Acknowledgement, value, 'acknowledgement from a neighbour');
  } catch (cause) {
    throw badAcknowledgement(frame, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (acknowledgement.signer !== job.downstream) throw badAcknowledgement(frame, `is signed as ${acknowledgement.signer}`);
  return acknowledgement;
}
