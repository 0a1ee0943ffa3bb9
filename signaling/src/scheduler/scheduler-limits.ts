/** Jobs waiting for a place: at a few seconds a job, the last one waits minutes; longer is better told at once. */
export const MAX_QUEUED_JOBS = 64;
/** Jobs at the same time over one placement: the ring is full with about one job a stage, and each has its KV cache. */
export const MAX_RUNNING_JOBS = 4;
/** What a client is told to wait when the queue is full or nobody is there: about one short job. */
export const RETRY_AFTER_MS = 5_000;

/** Stages of a placement unless the operator says otherwise: fewer hops answer sooner, and three tabs hold the default model. */
export const DEFAULT_STAGES = 3;
/** After the last arrival this long is waited for more, while fewer stages than wanted could be placed. */
export const PLACEMENT_DEBOUNCE_MS = 1_000;
/** A debounce is put off by new arrivals at most this many times its own length. */
export const MAX_DEBOUNCES = 5;
/** A worker that starts its engine again is waited for this long before the layers are divided among the others, who would load them anew (measured: 1 to 3 s, on two shared cores). */
export const ENGINE_RESTART_MS = 8_000;
/** With an expected number of workers the first placement waits this long after the last arrival, in case one never comes. */
export const EXPECTED_WORKERS_WAIT_MS = 30_000;
/** Workers that placement looks at, the fastest first: the search is quadratic in them. */
export const MAX_CANDIDATES = 32;
/** Positions of KV cache that every stage must have room for beside its weights: four answers of a few hundred tokens. */
export const RESERVED_POSITIONS = 2_048;

/** Rings at a time: together they compute more than one coordinator can carry (0.84 of a core for 10,200 jobs of eight tokens an hour, results/coordinator.json). */
export const MAX_RINGS = 64;
/** A further ring is made only where an answer is at least this part as quick as over the first: its reader did not choose it. */
export const LEAST_RING_SPEED = 0.25;
/** Further rings that load their shards at a time: beyond that all of them would wait for the coordinator's line. */
export const MAX_LOADING_RINGS = 4;
/** A range that its spare had loaded is back in the ring within this, when its links are open (measured, 0.9 s in the middle): a job may wait so long for a quicker ring. */
export const MENDED_WITHIN_MS = 1_500;
/** From one further ring to the next: each is a decision of milliseconds, and messages are answered in between. */
export const NEXT_RING_MS = 50;

/**
 * A worker of reputation 0 counts as this part slower than it measured itself. Of two devices alike the better record is
 * taken; a device that is half again as quick is taken whatever its record.
 */
export const REPUTATION_PENALTY = 0.5;

/** Part of all positions that are a prompt's, computed 16 at a time: as many as are drawn one by one. */
export const PREFILL_SHARE = 0.5;
/** A measurement below the clock's resolution is not zero: nobody gets all layers for free, and who claims nothing is still so many times slower than that. */
export const LEAST_LAYER_MS = 1e-3;
/** Weight of a job in the running mean of a worker's real times: five jobs say more than its own measurement. */
export const REAL_TIME_SMOOTHING = 0.2;
/** A worker this much slower than it said is named and counted as one that failed; honest devices differ from their measurement by half. */
export const FAR_SLOWER = 3;
/** Of a lap beyond what its stages say together so much is the network's and the browser's. */
export const UNEXPLAINED_LAP_MS = 50;
/** Fewer ids than this say nothing of the time from one to the next. */
export const LEAST_TOKENS_TO_TIME = 8;
/** Weight of a fetch in the running mean of a line's speed, and the least that is timed: one layer of the default model. */
export const FETCH_SMOOTHING = 0.3;
export const LEAST_FETCH_BYTES = 2e6;
/** A row takes this long to leave a worker whose line up nobody measured: 10 Mbit/s, the slower half of home lines. */
export const ASSUMED_UP_BYTES_PER_MS = 1_250;
/** Weight of a word on a link's round trip in the mean of that end: a link speaks every 15 s, so a minute says more than what was before. */
export const RTT_PAIR_SMOOTHING = 0.3;
/** A round trip that nobody told again for this long is forgotten: devices move, and a tab that comes back within it is placed by it. */
export const RTT_REMEMBERED_MS = 60 * 60_000;
/** Ends of pairs whose round trips are kept, about 200 bytes each: two links of a ring and three for weights of 1,000 workers, three times over. */
export const MAX_RTT_SAMPLES = 16_384;
/** Weight of a job in the running mean of the engine's share of a lap. */
export const ENGINE_SHARE_SMOOTHING = 0.2;
/** Changes of one worker, or of two for each other, that make a ring nearer: a few do in a ring of three, and a deep one is not searched for longer than this. */
export const MAX_NEARER_STEPS = 32;
/** The first load that fails may be the line's fault. */
export const FAILED_LOADS_BELIEVED = 2;
/** And after this long another program on the device may have given memory back, or shards may be served again. */
export const FAILED_LOAD_REMEMBERED_MS = 30 * 60_000;
/** A worker that could not load a range is taken to have this part of the memory that it takes. */
export const MEMORY_AFTER_FAILED_LOAD = 0.75;

/** Spares that stand by with one range: so many may leave before another has loaded it. With 1,000 workers each more would fetch some 50 MB from the coordinator for nothing. */
export const MAX_SPARES_A_RANGE = 8;

/** A stage whose shards got no further for this long is given to a spare; making a session from them shows no progress. */
export const SHARDS_STALLED_MS = 120_000;
/**
 * A link over WebRTC that is not open on both sides by then goes through the coordinator. The tabs give up after 10 s and say so; this is
 * for a tab that says nothing, on a device that loads its layers meanwhile.
 */
export const LINK_OPEN_TIMEOUT_MS = 15_000;
/** A link through the coordinator is open as soon as both tabs have read one message. */
export const RELAY_OPEN_TIMEOUT_MS = 5_000;
/** Wait before a link is tried again that could not be had in either way. */
export const LINK_RETRY_MS = 1_000;
/** Attempts at a link, each of both ways, before one of its ends is replaced, if there is a spare. */
export const LINK_ATTEMPTS = 2;
/** A relayed link is tried again over WebRTC after this long, and each time after twice as long: the ring stands still for the attempt. */
export const RELAY_LEAVE_MS = 5 * 60_000;
export const RELAY_LEAVE_MAX_MS = 60 * 60_000;
/** While jobs run over it, it is asked again this much later. */
export const RELAY_LEAVE_BUSY_MS = 10_000;
/** A worker that failed to load or to link is not placed again for this long. */
export const FAILED_WORKER_MS = 30_000;

/** A job that has not begun waits this long for workers that can hold the model… */
export const UNCOVERED_WAIT_MS = 10_000;
/** …and this long for a placement to load its shards and open its links: 100 MB at 10 Mbit/s, twice. */
export const READY_WAIT_MS = 180_000;

/** Without an id for this much and this many laps the ring is asked who is there: the next id is overdue, whatever a shared processor did. To ask costs nothing. */
export const PROBE_AFTER_MS = 500;
export const PROBE_AFTER_LAPS = 4;
/** Ids that come within this are of one lap: drafts that came true (SPEC E5) are told in messages one after the other. No ring is as quick. */
export const ONE_LAP_MS = 5;
/** Who does not answer within this much and this many laps is gone: a page's thread that computes nothing answers within milliseconds. */
export const PROBE_REPLY_MS = 1_000;
export const PROBE_REPLY_LAPS = 2;
/** Before two ids came nobody knows how busy the devices are: a page may be loading on cores that compute. */
export const UNPACED_REPLY_MS = 5_000;
/** When the coordinator itself looks so late after answers that were due, it was held up, and they wait unread in its sockets: it waits once more, as long as it was late. */
export const LATE_LOOK_MS = 250;
/** Plans that one job may have: a ring that breaks three times before it said anything will break again. */
export const MAX_PLAN_VERSIONS = 3;
/** After a lost link an order rests this long a version: the end of a tab's connection is heard within milliseconds of its links'. */
export const REPLAN_AFTER_MS = 500;
/** What had begun waits this long for workers that can hold the model (SPEC G6): its requester reads already, and a phone needs that long to come back. */
export const CONTINUATION_WAIT_MS = 60_000;

/** `plan` to `prepared`: a KV cache is made and a signature verified, on a device that may be computing for other jobs. */
export const PREPARE_TIMEOUT_MS = 30_000;
/** `start` to the first token: this much, and this much more per prompt position (measured: a software GPU on two shared cores prefills 2 a second). */
export const FIRST_TOKEN_TIMEOUT_MS = 30_000;
export const FIRST_TOKEN_TIMEOUT_PER_POSITION_MS = 1_000;
/** From token to token; four jobs may share the ring. */
export const TOKEN_TIMEOUT_MS = 30_000;
/** After `finish`, for roots and acknowledgements; what is not there by then is not paid. Honest stages need a fraction of a second… */
export const COLLECT_TIMEOUT_MS = 10_000;
/** …but on devices that are so slow or so busy that a lap takes seconds (a software GPU: 7 s), hashes, signatures and messages wait as well: so many laps. */
export const COLLECT_LAPS = 4;

/** A kept cache is not named in its last seconds: plan and workers' clocks take their time. */
export const KEPT_CACHE_MARGIN_MS = 15_000;
/** Kept jobs of one ring: as many as a worker keeps. */
export const MAX_KEPT_JOBS = 32;
/** An answer that moved waits this long for the record of its first job, which says what those that stay have kept for it: roots take some 100 ms, and links to a spare longer. On devices on which they take longer than this, so does computing all of it again. */
export const MOVED_RECORD_MS = 2_000;
/** What a position of a prompt costs, of one of the answer: prompts go in chunks that several stages compute at once. */
export const PROMPT_POSITION_COST = 0.2;

/** Jobs that ended are remembered, so that late messages about them are not taken for offences. */
export const MAX_REMEMBERED_JOBS = 1_024;
