import { describe, expect, it } from 'vitest';
import { linkStatsOf } from './link-stats.ts';

const candidates = (local: string, remote: string) => [
  { id: 'L', type: 'local-candidate', candidateType: local },
  { id: 'R', type: 'remote-candidate', candidateType: remote },
];
const pair = { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.0123 };

describe('linkStatsOf', () => {
  it('reads the pair that the transport names', () => {
    const other = { ...pair, id: 'Q', currentRoundTripTime: 9 };
    const entries = [{ id: 'T', type: 'transport', selectedCandidatePairId: 'P' }, other, pair, ...candidates('host', 'srflx')];
    expect(linkStatsOf(entries)).toEqual({ route: 'direct', rttMs: 12.3, probes: undefined });
  });

  it('finds the pair in Firefox, which has no transport entry', () => {
    expect(linkStatsOf([{ ...pair, selected: true }, ...candidates('host', 'prflx')])).toEqual({ route: 'direct', rttMs: 12.3, probes: undefined });
    expect(linkStatsOf([{ ...pair, nominated: true, state: 'succeeded' }, ...candidates('host', 'host')]).route).toBe('direct');
  });

  it.each([['relay', 'host'], ['srflx', 'relay']])('says that a route from %s to %s goes through TURN', (local, remote) => {
    expect(linkStatsOf([{ ...pair, selected: true }, ...candidates(local, remote)]).route).toBe('turn');
  });

  it('counts checks once: those that keep the link open are among all', () => {
    const entries = [{ ...pair, selected: true, requestsSent: 24, consentRequestsSent: 20, responsesReceived: 22 }, ...candidates('host', 'host')];
    expect(linkStatsOf(entries).probes).toEqual({ sent: 24, answered: 22 });
  });

  it('claims nothing where the browser says nothing', () => {
    expect(linkStatsOf([])).toEqual({ route: 'unknown', rttMs: 0, probes: undefined });
    expect(linkStatsOf([{ id: 'P', type: 'candidate-pair', selected: true }])).toEqual({ route: 'unknown', rttMs: 0, probes: undefined });
  });
});
