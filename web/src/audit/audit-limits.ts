/** Audits that wait for the one that runs; more are refused, and somebody else is drawn. */
export const MAX_QUEUED_AUDITS = 3;
/** Share of the memory budget that inputs and payloads of all audits here may take: 64 MiB of 1 GiB, 7,000 positions of a last stage at d = 576 twice over. */
export const AUDIT_PIECES_SHARE = 1 / 16;
/** A loaded engine is kept this long for the next audit of the same layers: loading costs more than a short audit. */
export const AUDIT_ENGINE_WARM_MS = 60_000;
/** An audit of which nothing is heard for this long, inputs or opening, is given up: half as long again as workers may take to supply. */
export const AUDIT_SILENT_MS = 90_000;
/** Wrong ids that an opening names (as the message allows); the count of checked ids tells the rest. */
export const MAX_WRONG_IDS = 16;

/** A neighbour is told of a new ledger head at most this often: heads come once a minute and with every credit. */
export const HEAD_GOSSIP_MS = 10_000;
/** A neighbour that sends heads faster than this does not gossip but flood; they are refused unread. */
export const HEAD_MIN_INTERVAL_MS = 2_000;
/** Bytes of a head frame's JSON; a head has about 330. */
export const MAX_HEAD_BYTES = 1_024;
/** Neighbours whose last head is remembered, the oldest forgotten first: eight links at most are open. */
export const MAX_HEAD_PEERS = 64;
/** Links are asked for at most this often; heads that come meanwhile are looked at together. */
export const HEAD_CHECK_MS = 30_000;
/** Questions for links in a row that a coordinator, whose heads go on coming, may leave unanswered: five minutes of them. */
export const MAX_UNANSWERED = 10;
/** Heads that wait to be linked, the oldest forgotten first: one a minute, and one of each neighbour. */
export const MAX_PENDING_HEADS = 16;
/** Links of the ledger asked for at once, 270 bytes each. */
export const LINKS_PAGE = 1_000;
/** Hashes of entries remembered, so that a neighbour's older head needs no question: 100 bytes each. Heads older than so many entries are not looked at. */
export const MAX_KNOWN_LINKS = 8_192;
/** Alarms about one coordinator's ledger: the first says it all. */
export const MAX_FORK_ALARMS = 8;
/** Links checked between two heads: 65,536 entries are days of a busy ledger. A tab that was away for longer begins anew. */
export const MAX_CHECKED_LINKS = 64 * LINKS_PAGE;

/** Jobs whose credit is still to come, the oldest forgotten first: those of failed jobs never come. */
export const MAX_CREDIT_JOBS = 64;
/** Units of all of them together, about 2 kB each with both signatures. */
export const MAX_CREDIT_UNITS = 8_192;
