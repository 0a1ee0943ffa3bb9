import { REVEAL_TIMEOUT_MS, SUPPLY_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';

/** Jobs a stage works on at the same time: the coordinator keeps as many over one placement; each holds a KV cache. */
export const MAX_OPEN_JOBS = 4;

/** Jobs whose generated positions are computed in one run: each has one at most, so all that are open. */
export const MAX_BATCH_JOBS = MAX_OPEN_JOBS;

/** Laps of every job over which one number of groups is measured: about a second with four jobs on one machine. */
export const LAPS_TO_MEASURE = 6;
/** Groups of which nothing was seen for so long are tried again, one number of them at a time: devices warm up and other programs begin. */
export const EXPLORE_AGAIN_MS = 60_000;
export const EXPLORE_EVERY_MS = 10_000;
/** A row waits this long for others: several laps of a slow ring. Then one of them is lost, and the coordinator asks for it. */
export const HOLD_MOST_MS = 1_000;

/**
 * A job that had no work here for this long may lose its cache to another one that needs the room: the coordinator gives a job up
 * after 30 s without a token and ends it on every tab, so of this one the end was lost.
 */
export const EVICT_IDLE_MS = 120_000;

/**
 * Runs in which a history is computed again as it was at first, most of them of one row, where 16 rows at a time take a quarter of the time: 256 of 10 ms
 * take half of the 5 s that a reader may wait for a tab's successor. A longer history is computed in chunks.
 */
export const MAX_REPLAYED_RUNS = 256;

/**
 * Row frames of one job that wait for the engine. Their rows lie in the job's own buffers already, so this bounds entries
 * only: the whole prefill of a 16,384-token prompt in chunks of 16. Somebody who sends row by row instead is refused.
 */
export const MAX_WAITING_FRAMES = 1_024;

/** Jobs that ended and whose neighbours' last receipts may still come; the oldest is forgotten first. A few kB each. */
export const MAX_ENDED_JOBS = 8;

/** Bytes of the JSON in a receipt, acknowledgement or head frame; a receipt, the longest, has about 900. */
export const MAX_RECEIPT_BYTES = 4_096;

/** A receipt, and the word on it, may come so often a unit: once, and again over each link that replaces a broken one; a job whose links break more often is given up. */
export const MAX_TELLINGS = 4;

/** Frames from one link that may be refused before the link is not listened to any more: an honest race makes one or two. */
export const MAX_REFUSALS_PER_LINK = 64;

/** Timings kept for one figure of a job's statistics: percentiles are over the newest ones, so memory does not grow. */
export const STATISTIC_SAMPLES = 1_024;

/** With fewer commitments left, more are given: so many jobs can begin before the message is with the coordinator. */
export const NONCES_LOW = 16;
/** A commitment this far before the newest used one may still come: MAX_OPEN_JOBS plans are under way at most, twice that at a change of placement. */
export const NONCES_CROSSING = 2 * MAX_OPEN_JOBS;
/** Nonces of jobs that may still be asked for, 200 bytes each; as many jobs as rows are kept of. */
export const MAX_NONCES_IN_USE = 64;

/** Share of the memory budget that rows of jobs that are over may take: 128 MiB of 1 GiB, 28,000 positions of a middle stage at d = 576. */
export const RETAINED_SHARE = 1 / 8;
/** Jobs whose rows are kept at most: four at a time, each ended every two seconds, for as long as nothing is heard of them. */
export const MAX_KEPT_JOBS = 64;
/** Jobs whose caches are kept for those that go on from them: as many conversations as one ring answers in five minutes, at ten seconds an answer. */
export const MAX_KEPT_CACHES = 32;
/** From a job's end to the last root: the coordinator waits 5 s for it, and as much again for a slow link. */
const ROOTS_MARGIN_MS = 10_000;
/** Rows of a job of whose draw nothing was heard are given back after this. */
export const RETAIN_UNREVEALED_MS = REVEAL_TIMEOUT_MS + ROOTS_MARGIN_MS;
/** After the roots were shown: the other nonces may take their whole time, and a neighbour that was asked first its own. */
export const RETAIN_DRAWN_MS = REVEAL_TIMEOUT_MS + SUPPLY_TIMEOUT_MS;
/** Uploads under way at once, taking turns: two for every stage-job that is drawn. */
export const MAX_UPLOADS = 32;
