/** From `challenge` to `hello`: making keys and one signature takes milliseconds; a slow phone on a bad line gets a lot more. */
export const HELLO_TIMEOUT_MS = 10_000;

/**
 * Messages a session may send at once and per second. Four jobs at 35 tokens/s with units, receipts and shard progress make
 * about 200 a second for the last stage, the busiest one.
 */
export const MESSAGE_BURST = 1_000;
export const MESSAGES_PER_SECOND = 300;
/**
 * `relay` and `relay-taken` messages beside them, at once and per second: eight jobs at 35 rows a second over two relayed links are
 * about 600. Their bytes have budgets of their own.
 */
export const RELAY_MESSAGE_BURST = 2_000;
export const RELAY_MESSAGES_PER_SECOND = 1_000;

/** Malformed or out-of-place messages a session is forgiven, and how soon one is forgotten: honest races make one now and then. */
export const OFFENCE_BUDGET = 20;
export const OFFENCES_FORGIVEN_PER_SECOND = 0.1;

/** Sessions of one coordinator: each has a socket and about 30 kB of state, so this stays within 150 MB. */
export const MAX_SESSIONS = 5_000;

/** A resumed connection finds its profile for this long: a laptop lid, a lost Wi-Fi, a coordinator behind a moved address. */
export const RESUME_MS = 10 * 60_000;
/** Remembered nodes, the oldest forgotten first. */
export const MAX_RESUMES = 10_000;

/** Connected time and latency are written to the store this often, in case the process dies. */
export const RECORD_FLUSH_MS = 30_000;
/** Records in one write: a statement of 1,000 takes a few milliseconds, one write a record kept a database busy for seconds (measured: 1,000 in 9 s). */
export const RECORDS_A_WRITE = 500;
/** Nodes that `/v1/nodes` lists. */
export const MAX_LISTED_NODES = 1_000;

/** Weight of a new round trip in the running mean that placement uses: settles within about ten pings. */
export const RTT_SMOOTHING = 0.2;

/** Connections from one address: a school or an office behind one router has this many tabs, a flood has more. */
export const MAX_CONNECTIONS_PER_ADDRESS = 256;
/** New connections from one address at once and per second: a signature check takes 2 to 4 ms, so this is below a tenth of a core. */
export const CONNECTION_BURST_PER_ADDRESS = 256;
export const CONNECTIONS_PER_SECOND_PER_ADDRESS = 20;
/** Addresses whose arrivals are remembered; about 200 bytes each. */
export const MAX_REMEMBERED_ADDRESSES = 20_000;

/**
 * Bytes a connection may send at once and per second; what is beyond waits in its own socket. An audited stage of 500 positions
 * at d = 576 is 1.2 MB a side and goes through at once; 8 MiB/s is more than most lines upload.
 */
export const INPUT_BURST_BYTES = 32 * 1024 * 1024;
export const INPUT_BYTES_PER_SECOND = 8 * 1024 * 1024;

/** Nonce commitments of a connection that are remembered, so that none is taken twice: some hours of jobs, 100 kB. */
export const MAX_SEEN_NONCES = 1_024;
