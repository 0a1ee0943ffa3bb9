import { describe, expect, it } from 'vitest';
import { hideAddresses } from './hide-addresses.ts';

const candidate = (line: string) => ({ type: 'candidate', candidate: { candidate: line, sdpMLineIndex: 0, sdpMid: '0' } }) as const;
const HOST = 'candidate:1 1 udp 2122260223 192.168.1.7 50000 typ host generation 0';
const MDNS = 'candidate:1 1 udp 2122260223 7d3cbb1a-52ff-4f9e-9c5e-0a4ea2e1ed6c.local 50000 typ host generation 0';
const REFLEXIVE = 'candidate:2 1 udp 1686052607 203.0.113.9 50000 typ srflx raddr 192.168.1.7 rport 50000';
const PEER_REFLEXIVE = 'candidate:3 1 udp 1686052607 203.0.113.9 50000 typ prflx raddr 192.168.1.7 rport 50000';
const RELAYED = 'candidate:4 1 udp 41885439 198.51.100.4 49200 typ relay raddr 203.0.113.9 rport 50000 generation 0';

describe('hideAddresses', () => {
  it.each([HOST, MDNS, REFLEXIVE, PEER_REFLEXIVE, `${HOST} ufrag typ-relay`])('L5: lets no candidate out that tells where the tab is: %s', (line) => {
    expect(hideAddresses(candidate(line))).toBeUndefined();
  });

  it('L5: lets a relayed candidate out, without the address that the TURN server sees', () => {
    expect(hideAddresses(candidate(RELAYED))).toEqual(candidate('candidate:4 1 udp 41885439 198.51.100.4 49200 typ relay raddr 0.0.0.0 rport 0 generation 0'));
    expect(hideAddresses(candidate(''))).toEqual(candidate(''));
  });

  it('L5: takes every address out of a description but for those of TURN servers', () => {
    const sdp = ['v=0', 'o=- 46117 2 IN IP4 192.168.1.7', 's=-', 'm=application 50000 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 203.0.113.9', 'a=rtcp:50001 IN IP4 203.0.113.9', `a=${HOST}`, `a=${REFLEXIVE}`, `a=${RELAYED}`, 'a=ice-ufrag:x', ''].join('\r\n');
    const hidden = hideAddresses({ type: 'offer', sdp });
    expect(hidden?.type === 'offer' && hidden.sdp.split('\r\n')).toEqual(['v=0', 'o=- 46117 2 IN IP4 127.0.0.1', 's=-', 'm=application 50000 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=candidate:4 1 udp 41885439 198.51.100.4 49200 typ relay raddr 0.0.0.0 rport 0 generation 0', 'a=ice-ufrag:x', '']);
    expect(JSON.stringify(hidden)).not.toMatch(/192\.168|203\.0/);
  });
});
