import { expect, it } from 'vitest';
import { MAX_PIECE_BYTES } from '@ciro/core/protocol/limits.ts';
import type { AuditId } from '@ciro/core/ids.ts';
import { FakeWorkers, nodeId } from '../scheduler/workers.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { BURST_BYTES, BURST_INTERVAL_MS, BURST_MESSAGES } from './audit-limits.ts';
import { sendPieces } from './paced-sender.ts';
import { sha256Hex } from './piece-assembler.ts';

const audit = 'ab'.repeat(16) as AuditId;
const pieceOf = (length: number, fill: number) => {
  const bytes = new Uint8Array(length).fill(fill);
  return { sha256: sha256Hex(bytes), bytes };
};

function setup() {
  const workers = new FakeWorkers();
  workers.join(1);
  const clock = new VirtualClock();
  const sent = (): number => workers.sentOf('piece').length;
  return { workers, clock, sent };
}

it('large pieces go in parts that a control message holds, as buffers of exactly their bytes', () => {
  const { workers, clock } = setup();
  sendPieces({ clock, workers }, nodeId(1), { audit, side: 'input' }, [pieceOf(MAX_PIECE_BYTES + 5, 1), pieceOf(3, 2)]);
  clock.advance(10 * BURST_INTERVAL_MS);
  const parts = workers.sentOf('piece');
  expect(parts.map(({ unit, offset, total, bytes }) => [unit, offset, total, bytes.length, bytes[0]])).toEqual([[0, 0, MAX_PIECE_BYTES + 5, MAX_PIECE_BYTES, 1], [0, MAX_PIECE_BYTES, MAX_PIECE_BYTES + 5, 5, 1], [1, 0, 3, 3, 2]]);
  expect(parts.every(({ bytes }) => Buffer.isBuffer(bytes))).toBe(true);
  expect(clock.pending).toBe(0);
});

it('no more than a burst is under way at a time, by messages and by bytes', () => {
  const many = setup();
  sendPieces(many, nodeId(1), { audit, side: 'input' }, Array.from({ length: 1_000 }, () => pieceOf(64, 1)));
  expect(many.sent()).toBe(BURST_MESSAGES);
  many.clock.advance(BURST_INTERVAL_MS);
  expect(many.sent()).toBe(2 * BURST_MESSAGES);
  const large = setup();
  sendPieces(large, nodeId(1), { audit, side: 'input' }, Array.from({ length: 10 }, () => pieceOf(BURST_BYTES, 1)));
  expect(large.sent()).toBe(1);
});

it('stops when told', () => {
  const { workers, clock, sent } = setup();
  const stop = sendPieces({ clock, workers }, nodeId(1), { audit, side: 'payload' }, Array.from({ length: 100 }, () => pieceOf(64, 1)));
  stop();
  clock.advance(10_000);
  expect([sent(), clock.pending]).toEqual([BURST_MESSAGES, 0]);
});
