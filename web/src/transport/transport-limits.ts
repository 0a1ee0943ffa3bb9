/** Frames waiting behind a full data channel, in bytes: the whole prefill of a 4,096-token prompt at 2,048 channels is 33 MB. */
export const MAX_SEND_QUEUE_BYTES = 48 * 1024 * 1024;

/** A link that has not opened by then goes through the coordinator: over TURN 0.25 s were measured, a slow phone network needs a few seconds. */
export const LINK_OPEN_TIMEOUT_MS = 10_000;

/** While nothing is being computed a silent neighbour may take this long before it counts as dead (REQUIREMENTS C1: 10 s when idle). */
export const LINK_IDLE_SILENT_MS = 10_000;
/** A link counts as idle when no data frame has crossed it for this long: longer than any lap, so that a slow stage is still watched closely. */
export const LINK_IDLE_AFTER_MS = 5_000;
/**
 * Our own timer came this late: the page was suspended or starved, and what the neighbour sent meanwhile is still in the
 * event queue. Hidden tabs tick once a second (measured), so this is above that.
 */
export const LATE_TICK_MS = 1_500;

/** Round-trip time and route are read again this often; the browser itself refreshes them every few seconds. */
export const LINK_STATS_MS = 5_000;
/** The coordinator hears of an open link's figures this often: 64 tabs are 4 messages a second. */
export const LINK_REPORT_MS = 15_000;

/** Links of one tab at a time: two for the ring, two more while a placement changes, and as many again for slow goodbyes. */
export const MAX_LINKS = 8;

/** First wait before the socket tries again, in milliseconds; doubles up to the maximum, each time times 0.5 to 1.5 at random. */
export const RECONNECT_FIRST_MS = 500;
/** A restarted coordinator is found within this, and a thousand tabs do not come back in the same second. */
export const RECONNECT_MAX_MS = 10_000;
/** Time for one attempt to connect, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Uploads wait while more than this has not left: two pieces, a fifth of a second on a phone's 10 Mbit/s, ahead of a token at most. */
export const CONTROL_CLEAR_BYTES = 256 * 1024;
/** How often that is looked at; there is no event for it. Hidden tabs look once a second. */
export const CONTROL_POLL_MS = 20;
