import { MAX_SIGNAL_BYTES } from '@ciro/core/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { parseLinkSignal } from './link-signal.ts';

describe('parseLinkSignal', () => {
  it('takes descriptions and candidates as simple-peer makes them', () => {
    expect(parseLinkSignal('{"type":"offer","sdp":"v=0"}')).toEqual({ type: 'offer', sdp: 'v=0' });
    const candidate = { type: 'candidate', candidate: { candidate: 'candidate:1 1 udp 1 10.0.0.1 9 typ host', sdpMLineIndex: 0, sdpMid: '0' } };
    expect(parseLinkSignal(JSON.stringify(candidate))).toEqual(candidate);
  });

  it('takes candidates that hide an address behind an mDNS name, and leaves the name to the browser', () => {
    const candidate = { type: 'candidate', candidate: { candidate: 'candidate:1 1 udp 2122260223 7d3cbb1a-52ff-4f9e-9c5e-0a4ea2e1ed6c.local 50000 typ host', sdpMLineIndex: 0, sdpMid: '0' } };
    expect(parseLinkSignal(JSON.stringify(candidate))).toEqual(candidate);
  });

  it.each([
    ['no JSON', 'offer'],
    ['a list', '[]'],
    ['another type', '{"type":"renegotiate","renegotiate":true}'],
    ['an offer without text', '{"type":"offer","sdp":7}'],
    ['a candidate of another shape', '{"type":"candidate","candidate":"x"}'],
    ['a text past the limit', JSON.stringify({ type: 'offer', sdp: 'x'.repeat(MAX_SIGNAL_BYTES + 1) })],
  ])('refuses %s by name', (_what, payload) => {
    expect(() => parseLinkSignal(payload)).toThrow(expect.objectContaining({ code: 'bad-signal', fault: 'peer' }));
  });
});
