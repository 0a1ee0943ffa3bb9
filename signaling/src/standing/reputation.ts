/** What a node's reputation is made of. */
export interface Reputable {
  /** Stage-jobs that ended with acknowledged work, and those that failed because of the node. */
  readonly jobsServed: number;
  readonly jobsFailed: number;
  /** Of its work and its opinions. */
  readonly successfulAudits: number;
  readonly failedAudits: number;
  /** Connected time over time known, 0 … 1. */
  readonly uptime: number;
  /** Median milliseconds a layer of the workers here over its own: 1 is as quick as most. Null while it is not connected. */
  readonly speed: number | null;
  readonly demoted: boolean;
}

/** What counts how much. Right work and finished work come first; speed is in the placement's cost already, and uptime is a matter of one's hours. */
export const REPUTATION_WEIGHTS = { success: 0.35, audits: 0.35, uptime: 0.15, speed: 0.15 } as const;
/** A failed audit weighs as this many that passed: most audits pass whoever is audited, so a failed one says more. */
export const FAILED_AUDIT_WEIGHT = 4;

/**
 * Reputation of a node, 0 … 1 in steps of a thousandth: weighted mean of its parts. Rates are smoothed by one good and one bad
 * case, so that nobody is judged by its first job: a node without any record has 0.5 for them. Never a reason to withhold money or to
 * demote; a demoted node has 0.
 */
export function reputationOf({ jobsServed, jobsFailed, successfulAudits, failedAudits, uptime, speed, demoted }: Reputable): number {
  if (demoted) return 0;
  const parts: readonly (readonly [weight: number, value: number | null])[] = [
    [REPUTATION_WEIGHTS.success, (jobsServed + 1) / (jobsServed + jobsFailed + 2)],
    [REPUTATION_WEIGHTS.audits, (successfulAudits + 1) / (successfulAudits + FAILED_AUDIT_WEIGHT * failedAudits + 2)],
    [REPUTATION_WEIGHTS.uptime, uptime],
    [REPUTATION_WEIGHTS.speed, speed],
  ];
  let sum = 0;
  let weights = 0;
  for (const [weight, value] of parts) {
    if (value === null) continue;
    sum += weight * Math.min(1, Math.max(0, value));
    weights += weight;
  }
  return Math.round((sum / weights) * 1000) / 1000;
}

/** Median of positive numbers; null of none. */
export function medianOf(numbers: readonly number[]): number | null {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}
