import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { blindBytes, blindCommitment, rowHashes, rowPieces } from './blind.ts';
import type { AuditId, HexHash, JobId, NodeId } from '../ids.ts';

const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
const result = { network: 'ciro-test', audit: 'a'.repeat(32) as AuditId, job: 'b'.repeat(32) as JobId, planHash: hash('1'), stage: 2, auditor: 'c'.repeat(40) as NodeId, salt: 'd'.repeat(32), rows: [hash('2'), hash('3')] };

it('A4: a commitment is the hash of the auditor, the audit, the salt and the rows\' hashes', () => {
  const json = `{"audit":"${result.audit}","auditor":"${result.auditor}","job":"${result.job}","network":"ciro-test","planHash":"${hash('1')}","rows":["${hash('2')}","${hash('3')}"],"salt":"${result.salt}","stage":2}`;
  expect(blindCommitment(result)).toBe(createHash('sha256').update(`ciro/audit-blind/1\0${json}`).digest('hex'));
});

it('A4: nothing of it can be opened otherwise, nor used by another auditor or in another audit', () => {
  const changes = [{ network: 'x' }, { audit: 'e'.repeat(32) as AuditId }, { job: 'e'.repeat(32) as JobId }, { planHash: hash('9') }, { stage: 1 }, { auditor: 'coordinator' as const }, { salt: 'e'.repeat(32) }, { rows: [hash('3'), hash('2')] }, { rows: [hash('2')] }];
  expect(new Set([blindCommitment(result), ...changes.map((change) => blindCommitment({ ...result, ...change }))]).size).toBe(changes.length + 1);
});

it('A4: the device key signs the commitment under a domain of its own', () => {
  expect(new TextDecoder().decode(blindBytes(hash('5')))).toBe(`ciro/audit-blind-signature/1\0{"commitment":"${hash('5')}"}`);
});

it('A4: rows are cut into pieces of 16 from position 0, and named by SHA-256', () => {
  const rows = Float32Array.from({ length: 37 * 3 }, (_, index) => index / 7);
  const pieces = rowPieces(rows, 3);
  expect(pieces.map((piece) => piece.length)).toEqual([192, 192, 60]);
  expect(rowHashes(rows, 3)).toEqual(pieces.map((piece) => createHash('sha256').update(piece).digest('hex')));
  // The rows may be a view into a larger buffer.
  expect(rowHashes(new Float32Array([9, ...rows]).subarray(1), 3)).toEqual(rowHashes(rows, 3));
  for (const bad of [new Float32Array(0), new Float32Array(4)]) expect(() => rowPieces(bad, 3)).toThrow(expect.objectContaining({ code: 'wrong-shape' }));
});
