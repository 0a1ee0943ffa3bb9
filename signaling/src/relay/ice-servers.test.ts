import { describe, expect, it } from 'vitest';
import { MAX_ICE_SERVERS } from '@ciro/core/protocol/limits.ts';
import { iceOptionsOf, IceServers, TURN_LIFETIME_S } from './ice-servers.ts';
import type { NodeId } from '@ciro/core/ids.ts';

const A = 'a'.repeat(40) as NodeId;
const B = 'b'.repeat(40) as NodeId;
const OPTIONS = { stun: ['stun:s.example:3478'], turn: ['turn:t.example:3478?transport=udp', 'turns:t.example:5349'], turnSecret: 'north' };

describe('IceServers', () => {
  it('L2: gives each worker a user name of expiry and node id, and HMAC-SHA1 of it in base64', () => {
    // The credential was made with: printf 1700003600:aaaa… | openssl dgst -sha1 -hmac north -binary | base64
    const servers = new IceServers({ now: () => 1_700_000_000_999 }, OPTIONS);
    const username = `1700003600:${A}`;
    const credential = 'XVwWtH4DFWt/4YyXXpQihuvAklY=';
    expect(TURN_LIFETIME_S).toBe(3_600);
    expect(servers.for(A)).toEqual([{ urls: 'stun:s.example:3478' }, { urls: 'turn:t.example:3478?transport=udp', username, credential }, { urls: 'turns:t.example:5349', username, credential }]);
    expect(servers.for(B)[1]?.username).toBe(`1700003600:${B}`);
    expect(servers.for(B)[1]?.credential).not.toBe(credential);
  });

  it('L2: makes them afresh each time, so that a link which is opened late has all of their lifetime', () => {
    let now = 0;
    const servers = new IceServers({ now: () => now }, OPTIONS);
    const first = servers.for(A)[1];
    now = TURN_LIFETIME_S * 1_000;
    expect(servers.for(A)[1]?.username).toBe(`${2 * TURN_LIFETIME_S}:${A}`);
    expect(servers.for(A)[1]?.credential).not.toBe(first?.credential);
  });

  it('names no server unless it was told one', () => {
    const servers = new IceServers({ now: () => 0 }, {});
    expect([servers.for(A), servers.hasTurn]).toEqual([[], false]);
  });

  it('are named by the environment, separated by spaces or commas', () => {
    expect(iceOptionsOf({ CIRO_STUN_URLS: 'stun:a, stun:b', CIRO_TURN_URLS: 'turn:c turns:d', CIRO_TURN_SECRET: 's' })).toEqual({ stun: ['stun:a', 'stun:b'], turn: ['turn:c', 'turns:d'], turnSecret: 's' });
    expect(iceOptionsOf({ CIRO_STUN_URLS: '' })).toBeUndefined();
  });

  it.each([
    ['an http address', { stun: ['http://s.example'] }, 'bad-ice-url'],
    ['a TURN address among those for STUN', { stun: ['turn:t.example'] }, 'bad-ice-url'],
    ['a query that is none of TURN', { turn: ['turn:t.example?user=me'], turnSecret: 'x' }, 'bad-ice-url'],
    ['TURN without a secret', { turn: ['turn:t.example'] }, 'no-turn-secret'],
    ['more servers than a message holds', { stun: Array.from({ length: MAX_ICE_SERVERS + 1 }, (_, index) => `stun:s${index}.example`) }, 'too-many-servers'],
  ])('refuses %s', (_, options, code) => {
    expect(() => new IceServers({ now: () => 0 }, options)).toThrow(expect.objectContaining({ code, fault: 'user' }));
  });
});
