/** Pieces (inputs, payloads, auditors' rows) can be read this long after their audit; their hashes stay (PROTOCOL 6). */
export const AUDIT_RETENTION_MS = 24 * 3_600_000;
/** Pieces past their time are looked for this often. */
export const PRUNE_INTERVAL_MS = 10 * 60_000;

/** Jobs between their draw and their last verdict: the ring answers four at a time, an audit takes a few times as long as its answer. */
export const MAX_JOBS_UNDER_AUDIT = 64;
/** Jobs that wait for their draw, about 100 kB of record each; past this the desk refuses by name and credits stay pending. */
export const MAX_WAITING_JOBS = 1_024;
/** Bytes of inputs, payloads and rows in memory: a 64-token answer of the default model is 3 MB a stage, a full context 60 MB. */
export const MAX_HELD_BYTES = 512 * 1024 * 1024;

/** A worker that supplies is given up when nothing new came for this long; its neighbour still holds the same rows by then. */
export const SUPPLY_SILENT_MS = 10_000;

/** Auditors that may be asked for one opinion before the reference run gives it: each can be silent for minutes. */
export const MAX_AUDITOR_ATTEMPTS = 3;
/** Candidates of one draw: what a transcript lists (40 kB). */
export const MAX_CANDIDATES = 1_000;
/** When every candidate audits something already, one is waited for this long. */
export const AUDITOR_WAIT_MS = 60_000;
/** An auditor that was silent, or opened what it had not committed to, is not drawn for this long. */
export const AUDITOR_REST_MS = 10 * 60_000;

/** `audit` to `audit-blind`: shards may have to be fetched (100 MB at 10 Mbit/s) and expanded first… */
export const AUDIT_LOAD_MS = 120_000;
/** …then each position of each layer takes up to this long (measured: 17 ms on a software GPU that shares two cores). */
export const AUDIT_POSITION_LAYER_MS = 50;
/** `audit-open` to `audit-opened`: nothing is left to compute but logits… */
export const OPENING_MS = 30_000;
/** …one row of them for each id that is checked. */
export const OPENING_PER_ID_MS = 500;
/** Slowest line that is waited for, up or down: half a megabit a second. */
export const SLOWEST_BYTES_PER_MS = 64;

/** Pieces go to an auditor in bursts, so that few wait in its socket (which is cut at 512 messages) and others' messages pass between. */
export const BURST_INTERVAL_MS = 20;
export const BURST_BYTES = 64 * 1024;
export const BURST_MESSAGES = 8;

/** Exchanges that ended are remembered, so that what was under way is refused once and not taken for somebody else's. */
export const MAX_REMEMBERED_AUDITS = 1_024;

/** The reference process ends when it had nothing to do for this long; starting it takes a second. */
export const REFERENCE_IDLE_MS = 60_000;
/** It ends after a run that left it with more memory than this: WebAssembly gives none back (measured: 600 MB after ten layers and the head of the default model). */
export const REFERENCE_MAX_RSS_BYTES = 1024 * 1024 * 1024;
/** A reference run: start and reading of the shards, each position of each layer (measured: 1.2 ms with loading), each id's logits (5 ms); many times that. */
export const REFERENCE_BASE_MS = 60_000;
export const REFERENCE_POSITION_LAYER_MS = 20;
export const REFERENCE_ID_MS = 500;
/** A run that failed is tried again this often, in a new process. */
export const REFERENCE_ATTEMPTS = 2;

/** Jobs whose draw was made are remembered, so that a late nonce for one is known for what it is, and a second draw refused. */
export const MAX_REMEMBERED_JOBS = 1_024;
