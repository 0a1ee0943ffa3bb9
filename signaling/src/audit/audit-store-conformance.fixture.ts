import { expect, it } from 'vitest';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { AuditStore } from './ports.ts';

const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
const JOB = '1'.repeat(32) as JobId;
const OTHER = '2'.repeat(32) as JobId;

const DRAW: AuditDraw = {
  roots: ['0x1', null],
  ...{ rootsHash: hash('3'), coordinator: '0c'.repeat(32), requester: null, beacon: hash('4') },
  workers: [{ nonce: '0a'.repeat(32), signature: 'ab'.repeat(64) }, null],
  stages: [{ rate: 0.02, draw: 0.123_456_789_012_345_6, units: 0, reason: null }, { rate: 1, draw: 0.5, units: 3, reason: 'unrevealed' }],
};

const transcriptOf = (job: JobId, stage: number): Transcript => ({
  ...{ format: 1, network: 'ciro-test', job, planHash: hash('5'), stage, worker: '6'.repeat(40) as NodeId, reason: 'drawn', beacon: hash('4'), units: 2 },
  candidates: [{ worker: '7'.repeat(40) as NodeId, weight: 31 }],
  opinions: [],
  ...{ outcome: 'unpaid', note: 'nobody supplied the rows — “quoted”', decidedAt: 1_700_000_000_123 },
});

/** What every audit store does; `make` gives an empty one. */
export function auditStoreConforms(make: () => Promise<AuditStore>): void {
  it('keeps a draw as it was, and knows none of another job', async () => {
    const store = await make();
    await store.saveDraw(JOB, DRAW);
    expect(await store.drawOf(JOB)).toEqual(DRAW);
    expect(await store.drawOf(OTHER)).toBeUndefined();
  });

  it('keeps transcripts of a job in the order in which they were saved', async () => {
    const store = await make();
    for (const [job, stage] of [[JOB, 2], [OTHER, 0], [JOB, 0]] as const) await store.saveTranscript(transcriptOf(job, stage));
    expect(await store.transcriptsOf(JOB)).toEqual([transcriptOf(JOB, 2), transcriptOf(JOB, 0)]);
    expect(await store.transcriptsOf('3'.repeat(32))).toEqual([]);
  });

  it('keeps a piece once a job; a second time with the same hash changes nothing', async () => {
    const store = await make();
    await store.savePiece(hash('8'), JOB, Uint8Array.of(0, 255, 3), 1_000);
    await store.savePiece(hash('8'), JOB, Uint8Array.of(9), 5_000);
    await store.savePiece(hash('8'), OTHER, Uint8Array.of(0, 255, 3), 5_000);
    await store.savePiece(hash('9'), JOB, new Uint8Array(100_000).fill(7), 2_000);
    const pieces = await store.pieces(JOB);
    expect([...pieces.keys()].sort()).toEqual([hash('8'), hash('9')]);
    expect([...(pieces.get(hash('8')) ?? [])]).toEqual([0, 255, 3]);
    expect(pieces.get(hash('9'))?.length).toBe(100_000);
    // The age of the first time counts.
    expect(await store.prunePieces(1_001)).toBe(1);
  });

  it('prunes pieces saved before a time, of every job, and leaves the rest', async () => {
    const store = await make();
    await store.savePiece(hash('a'), JOB, Uint8Array.of(1), 1_000);
    await store.savePiece(hash('b'), JOB, Uint8Array.of(2), 2_000);
    await store.savePiece(hash('a'), OTHER, Uint8Array.of(1), 1_500);
    expect(await store.prunePieces(2_000)).toBe(2);
    expect([...(await store.pieces(JOB)).keys()]).toEqual([hash('b')]);
    expect((await store.pieces(OTHER)).size).toBe(0);
    expect(await store.prunePieces(2_000)).toBe(0);
  });
}
