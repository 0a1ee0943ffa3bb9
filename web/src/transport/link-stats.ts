import type { LinkStats } from './link.ts';

/** The fields that are read from an RTCStatsReport entry (W3C webrtc-stats); all optional, browsers differ. */
interface StatsEntry {
  readonly id?: string;
  readonly type?: string;
  readonly selectedCandidatePairId?: string;
  readonly nominated?: boolean;
  readonly selected?: boolean;
  readonly state?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
  readonly currentRoundTripTime?: number;
}

/**
 * Route and round-trip time of the candidate pair in use. The transport entry names it in Chromium and Safari; Firefox
 * has no such entry and marks the pair as `selected` (or only as nominated and succeeded).
 */
export function linkStatsOf(entries: Iterable<StatsEntry>): LinkStats {
  const byId = new Map([...entries].map((entry) => [entry.id ?? '', entry]));
  const all = [...byId.values()];
  const named = all.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId !== undefined)?.selectedCandidatePairId;
  const pairs = all.filter((entry) => entry.type === 'candidate-pair');
  const pair = byId.get(named ?? '') ?? pairs.find((entry) => entry.selected === true) ?? pairs.find((entry) => entry.nominated === true && entry.state === 'succeeded');
  if (pair === undefined) return { route: 'unknown', rttMs: 0 };
  const types = [pair.localCandidateId, pair.remoteCandidateId].map((id) => byId.get(id ?? '')?.candidateType);
  const route = types.includes('relay') ? 'relay' : types.every((type) => type === undefined) ? 'unknown' : 'direct';
  return { route, rttMs: Math.max(0, (pair.currentRoundTripTime ?? 0) * 1_000) };
}
