import { expect, it } from 'vitest';
import type { AuditId, HexHash } from '@ciro/core/ids.ts';
import { PieceAssembler, sha256Hex } from './piece-assembler.ts';
import type { PieceMessage } from './piece-assembler.ts';

const audit = 'ab'.repeat(16) as AuditId;
const BYTES = Uint8Array.from({ length: 100 }, (_, index) => index);
const NAME = sha256Hex(BYTES);
const part = (unit: number, from: number, to: number, change: Partial<PieceMessage> = {}): PieceMessage => ({ type: 'piece', audit, side: 'input', unit, sha256: NAME, offset: from, total: 100, bytes: BYTES.slice(from, to), ...change });
const setup = (): PieceAssembler => new PieceAssembler('input', [{ unit: 0, bytes: 100, sha256: NAME }, { unit: 1, bytes: 100 }]);

it('pieces are put together from parts in order, units in any order, and given in unit order', () => {
  const pieces = setup();
  for (const each of [part(1, 0, 60), part(0, 0, 100), part(1, 60, 100)]) {
    expect(pieces.pieces()).toBeUndefined();
    expect(pieces.take(each)).toBeUndefined();
  }
  expect(pieces.pieces()?.map(({ sha256, bytes }) => [sha256, bytes.length])).toEqual([[NAME, 100], [NAME, 100]]);
  expect([pieces.complete, pieces.taken]).toEqual([true, 3]);
});

it.each([
  ['a unit that is not wanted', part(7, 0, 10), 'piece-unasked'],
  ['another side', part(0, 0, 10, { side: 'payload' }), 'piece-unasked'],
  ['another size', part(0, 0, 10, { total: 104 }), 'piece-wrong-size'],
  ['bytes past the end', part(0, 0, 100, { offset: 1 }), 'piece-wrong-size'],
  ['another name than was signed', part(0, 0, 10, { sha256: 'ee'.repeat(32) as HexHash }), 'piece-wrong-hash'],
  ['a part that is not the next', part(0, 10, 20), 'piece-out-of-order'],
  ['bytes that do not hash', part(0, 0, 100, { bytes: BYTES.map((byte) => byte ^ 1) }), 'piece-wrong-hash'],
])('%s is refused by name and changes nothing', (_, bad, code) => {
  const pieces = setup();
  expect(pieces.take(bad)).toMatchObject({ code });
  expect(pieces.take(part(0, 0, 100))).toBeUndefined();
  expect(pieces.take(part(1, 0, 100))).toBeUndefined();
  expect(pieces.complete).toBe(true);
});

it('a piece keeps the name of its first part', () => {
  const pieces = setup();
  pieces.take(part(1, 0, 10));
  expect(pieces.take(part(1, 10, 20, { sha256: 'ee'.repeat(32) as HexHash }))).toMatchObject({ code: 'piece-out-of-order' });
});

it('what is whole stays when another worker goes on, which may send it again; what is not begins anew', () => {
  const pieces = setup();
  pieces.take(part(0, 0, 100));
  pieces.take(part(1, 0, 50));
  pieces.restart();
  const { taken } = pieces;
  expect([pieces.take(part(0, 0, 100)), pieces.take(part(1, 50, 100))]).toMatchObject([undefined, { code: 'piece-out-of-order' }]);
  expect(pieces.taken).toBe(taken);
  pieces.take(part(1, 0, 100));
  expect(pieces.complete).toBe(true);
});

it('what is known already is taken if it is the piece, else it is asked for', () => {
  const pieces = setup();
  expect([pieces.offer(0, BYTES.slice(1)), pieces.offer(0, BYTES.map((byte) => byte ^ 1)), pieces.offer(5, BYTES), pieces.offer(0, BYTES)]).toEqual([false, false, false, true]);
});
