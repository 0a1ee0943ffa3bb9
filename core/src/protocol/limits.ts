/** Version of control messages and data frames; exchanged first, and a mismatch is refused by name (SPEC W1). */
export const PROTOCOL_VERSION = 6;

/** Bytes of one control message: a plan of MAX_STAGES stages is 12 kB, a `unit` at most 89 kB, the `root` of the longest job 140 kB. */
export const MAX_CONTROL_BYTES = 256 * 1024;
/**
 * Bytes of one unit's hints. Where one element in 32 is flagged, as honest rows give, 16 rows of 16,384 channels take 8 kB; this is
 * eight times that, and enough for every element of 5,461 channels flagged (6 bits each: rows of zeros lie on an edge).
 */
export const MAX_UNIT_HINT_BYTES = 64 * 1024;
/** The same in base64, as it travels: four characters for three bytes. */
export const MAX_UNIT_HINT_CHARACTERS = 4 * Math.ceil(MAX_UNIT_HINT_BYTES / 3);
/** Units of one job on one stage, 65,536 positions: a `root` names a salt for each, 34 bytes in MessagePack, in one control message. */
export const MAX_JOB_UNITS = 4_096;
/** Stages of one plan. 64 tabs of one layer cover any model that D1 names; more hops than that answer too slowly to be used. */
export const MAX_STAGES = 64;
/** Bytes of one SDP or ICE message; Chromium's data-channel offers are about 1 kB. */
export const MAX_SIGNAL_BYTES = 16 * 1024;

/** One data-channel message: four SCTP packets, the burst that is sent without waiting for an acknowledgement (measured by peers). */
export const SLICE_BYTES = 4_600;
/** Header of a slice (SPEC F1). */
export const SLICE_HEADER_BYTES = 16;
/** Header of a frame (SPEC F2). */
export const FRAME_HEADER_BYTES = 48;
/** Rows one frame may carry: a chunk of prefill (PROTOCOL: chunks of at most 64 positions). */
export const MAX_FRAME_ROWS = 64;
/** Largest frame: 64 rows of 16,384 float32 channels and a header; bounds what a peer can make us allocate. */
export const MAX_FRAME_BYTES = MAX_FRAME_ROWS * 16_384 * 4 + FRAME_HEADER_BYTES;
/** Frames being put together for one peer at a time: prefill sends one after the other, a receipt may come between. */
export const MAX_OPEN_FRAMES = 4;
/** Bytes queued in a data channel above which a sender waits, and below which it goes on. */
export const LINK_HIGH_WATER_BYTES = 256 * 1024;
export const LINK_LOW_WATER_BYTES = 64 * 1024;

/** STUN and TURN servers that one link is opened with: browsers ask all of them, and warn above four. */
export const MAX_ICE_SERVERS = 8;

/** Bytes of a frame in one `relay` message: other control messages to the same tab go in between (SPEC L3). */
export const RELAY_PIECE_BYTES = 16 * 1024;
/**
 * Bytes that an end of a relayed link may have on the way: half a second of a line of 1 Mbit/s, which is how long a token can wait behind
 * them. With 100 ms from end to end and back it still passes 640 kB/s, a chunk of prefill at d = 2,048 in 0.2 s.
 */
export const RELAY_WINDOW_BYTES = 64 * 1024;
/** Taken bytes are told at least this often, so that the other end does not wait for its window. */
export const RELAY_TAKEN_BYTES = 16 * 1024;

/**
 * A chunk of a shard (SPEC D4): what is checked, asked for and repeated as one. A volunteer's line of 10 Mbit/s carries it in a tenth of a second,
 * which is how long a row can wait behind it; the list of hashes is 0.02 % of the weights.
 */
export const WEIGHTS_CHUNK_BYTES = 128 * 1024;
/** Shards one `weights-wanted` names: the layers of the largest model that a manifest may describe, embedding and head. */
export const MAX_WANTED_SHARDS = 514;
/** Neighbours that are named to one worker: three uploads of 10 Mbit/s are a usual line's download, and each costs a link. */
export const MAX_WEIGHTS_GIVERS = 3;
/** Requests of one neighbour that wait at a giver: with 50 ms there and back they still keep 10 MB/s on the way. */
export const WEIGHTS_WINDOW_CHUNKS = 4;

/** Prefill goes through the ring in chunks of one unit, the shape of the reference run (PROTOCOL 4). */
export const PREFILL_CHUNK_POSITIONS = 16;

/** Drafts of one lap: with the row before them they are a chunk, whose time and memory every limit allows for already. */
export const MAX_DRAFTS = PREFILL_CHUNK_POSITIONS - 1;

/** Between two neighbours a heartbeat is sent when nothing else was for this long. */
export const LINK_HEARTBEAT_MS = 500;
/** Within a lap a neighbour that was silent for this long is reported dead (REQUIREMENTS C1: 2 s). */
export const LINK_SILENT_MS = 2_000;
/** Socket ping of the coordinator: dead within 10 s when idle (REQUIREMENTS C1). */
export const SOCKET_PING_MS = 5_000;
export const SOCKET_PING_TIMEOUT_MS = 4_500;

/** Nonce commitments a worker keeps with the coordinator: one a job, so this many jobs may begin before it is asked for more. */
export const MAX_NONCE_COMMITMENTS = 64;
/** Random bytes of one party's nonce for the audit draw. */
export const NONCE_BYTES = 32;

/** Bytes of a piece in one control message: a unit of 16 rows at d = 576 is 37 kB; larger ones come in several. */
export const MAX_PIECE_BYTES = 128 * 1024;
/** Bytes of one whole piece: a unit of the last stage, 16 rows of 16,384 channels with their ids. */
export const MAX_WHOLE_PIECE_BYTES = 16 * (16_384 + 1) * 4;

/** A stage keeps what it has of a job for this long after its end (SPEC V1): a reader has read a long answer and asked on by then. */
export const KEPT_CACHE_MS = 5 * 60_000;
/** Jobs whose caches may stand on each other (SPEC V2): the evidence of an answer has the plans of all of them. */
export const MAX_PREFIX_JOBS = 32;

/** After the last root: nonces revealed, and until then every stage keeps its rows (PROTOCOL 6). */
export const REVEAL_TIMEOUT_MS = 10_000;
/** A stage that was drawn keeps its rows until they are uploaded, at most this long (PROTOCOL 6). */
export const SUPPLY_TIMEOUT_MS = 60_000;

/** Milliseconds that a worker may say one layer takes it, and the head: a device slower than that serves nobody, and a ring over it would never be done. */
export const MAX_LAYER_MS = 60_000;
export const MAX_HEAD_MS = 600_000;
/** Bytes that a tab may say it holds: no browser gives one as much. */
export const MAX_BUDGET_BYTES = 2 ** 40;
/** Round trip of a link in milliseconds: a neighbour that is silent for ten seconds is gone (L4). */
export const MAX_LINK_RTT_MS = 60_000;
/** Of a line, in bytes a millisecond: 0.8 kbit/s, with which nothing ends, and 10 Gbit/s, which a tab cannot tell from more. */
export const MIN_LINE_BYTES_PER_MS = 0.1;
export const MAX_LINE_BYTES_PER_MS = 1_250_000;
/** One run of a scored shape, in milliseconds: the slowest software GPU takes seconds. */
export const MAX_SCORE_MS = 60_000;
/** Bytes of one probe of a line, down and up (SPEC W3): a tenth of a second at 20 and 10 Mbit/s. */
export const LINE_PROBE_DOWN_BYTES = 256 * 1024;
export const LINE_PROBE_UP_BYTES = 128 * 1024;
