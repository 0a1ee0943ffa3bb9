/**
 * Service-level objectives (docs/operate.md) and the buckets of the histograms that record them, in seconds. Each limit is a bucket's edge, so
 * that "how many were within it" is a quotient of two counters and no interpolation.
 */

/** Requests that are not answered by a 5xx, of all; over 30 days. */
export const AVAILABILITY_OBJECTIVE = 0.9999;
/** From an order to all of its stages prepared. */
export const SETUP_LIMIT_S = 0.2;
/** One decision of the scheduler. */
export const DECISION_LIMIT_S = 0.05;
/** An answer of at most SHORT_ANSWER_TOKENS tokens, from its order to its last token. */
export const ANSWER_LIMIT_S = 30;
export const SHORT_ANSWER_TOKENS = 64;
/** From the close of an epoch to a payment that is booked. */
export const SETTLEMENT_LIMIT_S = 600;

export const SETUP_BUCKETS = [0.01, 0.025, 0.05, 0.1, SETUP_LIMIT_S, 0.5, 1, 2.5, 5, 10, 30, 120] as const;
export const DECISION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, DECISION_LIMIT_S, 0.1, 0.5, 1] as const;
export const FIRST_TOKEN_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
export const ANSWER_BUCKETS = [0.5, 1, 2.5, 5, 10, 20, ANSWER_LIMIT_S, 60, 120, 300] as const;
export const AUDIT_BUCKETS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 900] as const;
export const SETTLEMENT_BUCKETS = [5, 15, 30, 60, 120, 300, SETTLEMENT_LIMIT_S, 1_800, 3_600, 10_800, 86_400] as const;
export const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120] as const;
/** Tokens a second. */
export const RATE_BUCKETS = [1, 2, 5, 10, 15, 20, 30, 50, 100, 200] as const;
