const MIB = 1024 * 1024;

/** Largest shard that is fetched: the embedding of a 262,144-token vocabulary at 4,096 channels in 8 bits is 1.1 GB. */
export const MAX_SHARD_BYTES = 1_280 * MIB;

/** Largest manifest: the calibration of 128 boundaries of 16,384 channels is 5.6 MB of base64. */
export const MAX_MANIFEST_BYTES = 16 * MIB;

/** Bytes of shards that Cache Storage may hold; the least recently used are dropped beyond it. Two models of 1 GB. */
export const SHARD_CACHE_BYTES = 2_048 * MIB;

/** Bytes of shards kept in memory because the browser would not store them: ten quantised layers of the default model are 23 MB. */
export const UNCACHED_BYTES = 64 * MIB;

/** Requests that the coordinator, or a public file, takes at a time: as many connections as a browser opens to one host. */
export const HTTP_WINDOW_CHUNKS = 6;
/** Requests that a source is tried with before anything came from it. */
export const FIRST_REQUESTS = 2;
/** Arrivals that a source's speed is measured over: two windows, so that bursts of one even out. */
export const RATE_ARRIVALS = 12;
/** Sources that are asked for one chunk at the same time, at the end of a download. */
export const MAX_HOLDERS = 2;
/** A request is late after so many times what it should take, and not before; where nothing is known yet, after that. A chunk takes 2 s at half a megabit a second. */
export const REQUEST_LATE_FACTOR = 4;
export const REQUEST_LEAST_MS = 4_000;
export const REQUEST_FIRST_MS = 15_000;
/** Failed or late requests in a row after which a neighbour, or a public file, is given up. */
export const MAX_STRIKES = 3;
/** How long a source is left alone that said it is busy, or failed; twice as long each time, up to the most. */
export const BUSY_REST_MS = 500;
export const MAX_REST_MS = 8_000;
/** Failures of the coordinator in a row, with nobody else to ask, after which the download fails: its socket notices a lost connection in the same time. */
export const MAX_COORDINATOR_FAILURES = 4;
/** Late requests are looked for this often. */
export const LOOK_MS = 250;

/** Chunks of unfinished shards that are kept over a reload: 256 MiB, the largest layer range of a small model; the oldest go first. */
export const MAX_PARTIAL_CHUNKS = 2_048;

/** Shards that are wanted at the same time are asked for together. */
export const GATHER_MS = 30;
/** Neighbours are asked for again this long after the last time, while there is something to fetch and somebody is missing. */
export const ASK_AGAIN_MS = 30_000;
/** Links to neighbours stay this long after the last chunk: the next range may follow at once. */
export const DONE_AFTER_MS = 2_000;

/**
 * Bytes a second that a tab gives to all its neighbours: 32 Mbit/s, half of a good uplink. On a slower one WebRTC's own congestion control decides.
 */
export const GIVE_BYTES_PER_SECOND = 4 * MIB;
/** Bytes that a tab gives in one visit, twenty times the default model: a volunteer lends a core, not a mirror. */
export const GIVE_BYTES_PER_VISIT = 2_048 * MIB;
/** Requests of one neighbour at once and per second: twice what a full window at the rate above makes. Who sends more is cut off. */
export const REQUEST_BURST = 64;
export const REQUESTS_PER_SECOND = 64;
/** Shards that are open for giving: their hashes of chunks, and a handle of the file. A stage of ten layers has twelve. */
export const MAX_OPEN_SHARDS = 64;
