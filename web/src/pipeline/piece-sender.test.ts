import { expect, test } from 'vitest';
import { toHex } from '@ciro/core/bytes.ts';
import { MAX_PIECE_BYTES } from '@ciro/core/protocol/limits.ts';
import { PieceSender } from './piece-sender.ts';
import { sha256Digest } from './sha256-digest.ts';
import { MAX_UPLOADS } from './stage-limits.ts';
import type { AuditId } from '@ciro/core/ids.ts';
import type { PieceMessage, Upload } from './piece-sender.ts';

const auditAt = (index: number): AuditId => index.toString(16).padStart(32, '0') as AuditId;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytesOf = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31 + seed) % 251);
const upload = (audit: number, units: number, bytes: number): Upload => ({ audit: auditAt(audit), side: 'input', units, pieceOf: (unit) => bytesOf(bytes, unit) });

function setup() {
  const sent: PieceMessage[] = [];
  const scene = { sent, inFlight: 0, most: 0, connected: true };
  const sender = new PieceSender({
    digest: sha256Digest,
    turn,
    sendPiece: async (message) => {
      scene.most = Math.max(scene.most, ++scene.inFlight);
      await turn();
      scene.inFlight--;
      if (scene.connected) sent.push(message);
      return scene.connected;
    },
  });
  return { sender, scene };
}

test('a piece goes in parts of at most MAX_PIECE_BYTES, in order, under the hash of the whole', async () => {
  const { sender, scene } = setup();
  const length = 2 * MAX_PIECE_BYTES + 5;
  expect(await sender.send(upload(1, 2, length))).toBe('sent');
  expect(scene.sent.map(({ unit, offset, total, bytes }) => [unit, offset, total, bytes.length])).toEqual(
    [0, 1].flatMap((unit) => [[unit, 0, length, MAX_PIECE_BYTES], [unit, MAX_PIECE_BYTES, length, MAX_PIECE_BYTES], [unit, 2 * MAX_PIECE_BYTES, length, 5]]),
  );
  const first = Buffer.concat(scene.sent.slice(0, 3).map(({ bytes }) => bytes));
  expect(new Uint8Array(first)).toEqual(bytesOf(length, 0));
  expect(scene.sent[0]?.sha256).toBe(toHex(await sha256Digest(bytesOf(length, 0))));
  // Each part lies alone in its buffer: what lies around it would be copied along.
  for (const { bytes } of scene.sent) expect(bytes.buffer.byteLength).toBe(bytes.length);
});

test('one part is under way at a time, and uploads take turns', async () => {
  const { sender, scene } = setup();
  await Promise.all([sender.send(upload(1, 6, 10)), sender.send(upload(2, 6, 10))]);
  expect(scene.most).toBe(1);
  const order = scene.sent.map(({ audit }) => audit);
  for (let at = 0; at < order.length - 2; at++) expect(new Set(order.slice(at, at + 3)).size).toBe(2);
});

test('nothing more is sent when the connection is gone, or nobody waits for it', async () => {
  const { sender, scene } = setup();
  scene.connected = false;
  expect(await sender.send(upload(1, 5, 10))).toBe('stopped');
  scene.connected = true;
  const stop = new AbortController();
  const sending = sender.send(upload(2, 50, 10), stop.signal);
  while (scene.sent.length < 3) await turn();
  stop.abort();
  expect(await sending).toBe('stopped');
  expect(scene.sent.length).toBeLessThan(6);
});

test('too many uploads at once are refused, and later ones are taken again', async () => {
  const { sender } = setup();
  const all = Array.from({ length: MAX_UPLOADS + 1 }, (_, index) => sender.send(upload(index, 1, 10)));
  const outcomes = await Promise.all(all);
  expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(1);
  expect(await sender.send(upload(99, 1, 10))).toBe('sent');
  await expect(sender.send({ ...upload(1, 1, 1), pieceOf: () => { throw new Error('given back'); } })).rejects.toThrow('given back');
  expect(await sender.send(upload(99, 1, 10))).toBe('sent');
});
