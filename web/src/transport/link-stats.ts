import type { LinkRoute } from './link.ts';
import type { ProbeCounts } from './probe-loss.ts';

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
  /** All checks, those that keep consent among them (measured on Chromium 156). */
  readonly requestsSent?: number;
  readonly responsesReceived?: number;
}

/** What a browser says of the path of a link. */
export interface PathStats {
  readonly route: LinkRoute;
  /** 0 where it does not say. */
  readonly rttMs: number;
  /** Undefined where it does not count them. */
  readonly probes: ProbeCounts | undefined;
}

/**
 * Route, round-trip time and probes of the candidate pair in use. The transport entry names it in Chromium and Safari; Firefox
 * has no such entry and marks the pair as `selected` (or only as nominated and succeeded).
 */
export function linkStatsOf(entries: Iterable<StatsEntry>): PathStats {
  const byId = new Map([...entries].map((entry) => [entry.id ?? '', entry]));
  const all = [...byId.values()];
  const named = all.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId !== undefined)?.selectedCandidatePairId;
  const pairs = all.filter((entry) => entry.type === 'candidate-pair');
  const pair = byId.get(named ?? '') ?? pairs.find((entry) => entry.selected === true) ?? pairs.find((entry) => entry.nominated === true && entry.state === 'succeeded');
  if (pair === undefined) return { route: 'unknown', rttMs: 0, probes: undefined };
  const types = [pair.localCandidateId, pair.remoteCandidateId].map((id) => byId.get(id ?? '')?.candidateType);
  const route = types.includes('relay') ? 'turn' : types.every((type) => type === undefined) ? 'unknown' : 'direct';
  const { requestsSent: sent, responsesReceived: answered } = pair;
  const probes = sent === undefined || answered === undefined ? undefined : { sent, answered };
  return { route, rttMs: Math.max(0, (pair.currentRoundTripTime ?? 0) * 1_000), probes };
}
