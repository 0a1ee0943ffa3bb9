import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { verdictOf } from '@ciro/core/audit/verdict.ts';
import type { Opinion } from '@ciro/core/audit/transcript.ts';
import type { UnitCheck } from '@ciro/core/audit/check-unit.ts';
import type { Answer } from './auditing.ts';
import type { Piece } from './piece-assembler.ts';
import type { StageCase } from './stage-case.ts';
import type { StagePieces } from './supply.ts';

/**
 * What an auditor's opened rows say about a stage (SPEC A5 to A7): made here, from the pieces, never taken from the auditor, but for
 * its word on the sampled ids. About 1 ms a unit at d = 576; other work of the process goes on between units.
 */
export async function makeOpinion(stage: StageCase, pieces: StagePieces, answer: Answer): Promise<Opinion> {
  const checks: UnitCheck[] = [];
  for (const [index, { bytes }] of answer.rows.entries()) {
    const unit = stage.units[index];
    const [input, payload] = [pieces.inputs[stage.prefix.length + index], pieces.payloads[index]];
    if (unit === undefined || input === undefined || payload === undefined) throw new RangeError(`rows of unit ${index}; the audit has ${pieces.payloads.length}`);
    checks.push(checkUnit({ ...unit, input: input.bytes, payload: payload.bytes }, floatsOf(bytes), stage.check));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { audit, auditor, engine, devicePublicKey, commitment, signature, salt, rows, ids } = answer;
  return { audit, auditor, engine, independent: auditor !== 'coordinator', devicePublicKey, commitment, signature, salt, rows: rows.map(({ sha256 }) => sha256), ids, verdict: verdictOf(checks, ids) };
}

/** Little-endian float32, at any byte offset. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Pieces one after the other. */
export function joined(pieces: readonly Piece[]): Uint8Array {
  return Buffer.concat(pieces.map(({ bytes }) => bytes));
}
