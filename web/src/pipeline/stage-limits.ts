/** Jobs a stage works on at the same time: the coordinator keeps as many over one placement; each holds a KV cache. */
export const MAX_OPEN_JOBS = 4;

/**
 * Row frames of one job that wait for the engine. Their rows lie in the job's own buffers already, so this bounds entries
 * only: the whole prefill of a 16,384-token prompt in chunks of 16. Somebody who sends row by row instead is refused.
 */
export const MAX_WAITING_FRAMES = 1_024;

/** Jobs that ended and whose neighbours' last receipts may still come; the oldest is forgotten first. A few kB each. */
export const MAX_ENDED_JOBS = 8;

/** Bytes of a receipt frame's JSON; a receipt has about 900. */
export const MAX_RECEIPT_BYTES = 4_096;

/** Frames from one link that may be refused before the link is not listened to any more: an honest race makes one or two. */
export const MAX_REFUSALS_PER_LINK = 64;

/** Timings kept for one figure of a job's statistics: percentiles are over the newest ones, so memory does not grow. */
export const STATISTIC_SAMPLES = 1_024;
