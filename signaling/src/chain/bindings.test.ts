import { describe, expect, it } from 'vitest';
import { Bindings } from './bindings.ts';
import { MAX_BINDINGS } from './chain-limits.ts';
import { toFelt } from './felt.ts';
import type { Built } from './bindings.ts';

const built = (changes: Partial<Built> = {}): Built => ({ type: 'invoke', account: '0x1', calls: [], deployment: undefined, nonce: '0x77', hash: '0xabc', characters: 100, after: 0, before: 100, client: 'one', expires: 1_000, own: undefined, ...changes });
const back = (hash: `0x${string}` = '0xabc', characters = 100) => {
  const counted = { characters, hashed: 0, hash: () => (counted.hashed++, hash) };
  return counted;
};

describe('Bindings (SPEC Y3)', () => {
  it('hashes only what a build of the same account waits for, and nothing much longer than that', () => {
    const bindings = new Bindings({ now: () => 0 });
    bindings.add(built());
    const unknown = back();
    expect(() => bindings.begin('0x78', '0x1', unknown)).toThrow(expect.objectContaining({ code: 'not-built' }));
    const foreign = back();
    expect(() => bindings.begin('0x77', '0x2', foreign)).toThrow(expect.objectContaining({ code: 'payload-swapped' }));
    const long = back('0xabc', 301);
    expect(() => bindings.begin('0x77', '0x1', long)).toThrow(expect.objectContaining({ code: 'payload-swapped' }));
    expect([unknown.hashed, foreign.hashed, long.hashed]).toEqual([0, 0, 0]);
    bindings.begin('0x77', '0x1', back('0xabc', 300));
  });

  it('is free again after a failure, and not after a success', () => {
    const bindings = new Bindings({ now: () => 0 });
    bindings.add(built());
    const first = bindings.begin('0x77', '0x1', back());
    expect(() => bindings.begin('0x77', '0x1', back())).toThrow('being executed');
    first.failed();
    bindings.begin('0x77', '0x1', back()).executed('0xf00');
    expect(() => bindings.begin('0x77', '0x1', back())).toThrow('0xf00');
  });

  it('forgets what is over, not what is under way, and refuses newcomers when it is full', () => {
    const time = { now: 0 };
    const bindings = new Bindings({ now: () => time.now });
    for (let n = 0; n < MAX_BINDINGS; n++) bindings.add(built({ nonce: toFelt(n), client: `client ${n}` }));
    expect(() => bindings.add(built({ nonce: '0xffffffff', client: 'new' }))).toThrow(expect.objectContaining({ code: 'queue-full' }));
    const running = bindings.begin('0x5', '0x1', back());
    time.now = 1_000;
    expect(() => bindings.begin('0x6', '0x1', back())).toThrow(expect.objectContaining({ code: 'invalid-time-bounds' }));
    bindings.add(built({ nonce: '0xffffffff', expires: 2_000 }));
    expect(bindings.size).toBe(2);
    running.executed('0xf00');
    expect(() => bindings.begin('0x5', '0x1', back())).toThrow(expect.objectContaining({ code: 'already-executed' }));
  });
});
