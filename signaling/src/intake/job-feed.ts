import { IntakeError } from './intake-error.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { StageOutcome } from './ports.ts';

/** Followers of one job, and of all jobs: each holds a connection open, and a client needs one. */
const MAX_FOLLOWERS_PER_JOB = 8;
const MAX_FOLLOWERS = 1_000;
/** Feeds of jobs that are over, kept for clients that come a moment late; later ones are told from the archive. */
const MAX_ENDED_FEEDS = 256;
const RETRY_AFTER_MS = 5_000;

/**
 * What happens to a job, for its account: (queued* started prefix_gone?)+ (finished | moved) recorded audited* (moved | corrected)* settled, or `failed` at the end
 * of any of them. `settled` is final: every stage is decided and nothing more is booked.
 */
export type JobStatusEvent =
  | { readonly type: 'queued'; readonly ahead: number }
  /** `cached_tokens`: positions of the prompt that the workers kept of an earlier job (SPEC V2); absent where all of it is computed. */
  | { readonly type: 'started'; readonly cached_tokens?: number }
  /** A worker does not keep them any more: all of the prompt is computed, under the plan that starts next (SPEC V3). */
  | { readonly type: 'prefix_gone'; readonly job: JobId; readonly positions: number }
  | { readonly type: 'finished'; readonly finish_reason: string }
  /** A stage was lost, and job `job` goes on with the answer: ids drawn at `from_position` and later are its own (SPEC G2). Told to every job of the answer before it. */
  | { readonly type: 'moved'; readonly job: JobId; readonly from_position: number; readonly code: string; readonly message: string }
  /** Evidence can be read. `roots`: one a stage, null where none came; whoever gave a nonce commitment opens it now (SPEC A2). */
  | { readonly type: 'recorded'; readonly roots: readonly (string | null)[] }
  | { readonly type: 'audited'; readonly stage: number; readonly status: StageOutcome }
  /** The answer was done again by job `job`: its text replaces what was sent; ids drawn at `from_position` and later are new. */
  | { readonly type: 'corrected'; readonly job: JobId; readonly from_position: number; readonly text: string }
  /** The answer is wrong and could not be done again; it was paid back. */
  | { readonly type: 'uncorrected'; readonly code: string; readonly message: string }
  | { readonly type: 'settled' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

interface Feed {
  readonly events: JobStatusEvent[];
  readonly waiting: Set<() => void>;
  followers: number;
  ended: boolean;
}

/** The status events of jobs, from their beginning, for whoever follows them. A slow follower holds up nobody: it reads the job's one list. */
export class JobFeeds {
  readonly #feeds = new Map<string, Feed>();
  readonly #ended = new Set<string>();
  #followers = 0;
  readonly #onEvent: (job: JobId, event: JobStatusEvent) => void;

  /** `onEvent` hears of every event that is told. */
  constructor(onEvent: (job: JobId, event: JobStatusEvent) => void = () => undefined) {
    this.#onEvent = onEvent;
  }

  /** A job begins. */
  open(job: JobId): void {
    this.#feeds.set(job, { events: [], waiting: new Set(), followers: 0, ended: false });
  }

  /** Says it to who follows now or later; `settled` and `failed` end the feed. Nothing after the end is said. */
  push(job: JobId, event: JobStatusEvent): void {
    const feed = this.#feeds.get(job);
    if (feed === undefined || feed.ended) return;
    feed.events.push(event);
    this.#onEvent(job, event);
    feed.ended = event.type === 'settled' || event.type === 'failed';
    if (feed.ended) this.#keepEnded(job);
    for (const wake of feed.waiting) wake();
  }

  /** Whether `follow` knows the job: while it is under way, and for a while after. */
  has(job: string): boolean {
    return this.#feeds.has(job);
  }

  /** What happened to the job last, while its feed is known. */
  last(job: string): JobStatusEvent | undefined {
    return this.#feeds.get(job)?.events.at(-1);
  }

  /** Everything that happened to the job, then what happens, until it is over or the signal aborts. Throws `too_many_followers`. */
  follow(job: string, signal: AbortSignal): AsyncGenerator<JobStatusEvent> {
    const feed = this.#feeds.get(job);
    if (feed === undefined) throw new TypeError(`job ${job} has no feed; ask \`has\` first`);
    if (feed.followers >= MAX_FOLLOWERS_PER_JOB || this.#followers >= MAX_FOLLOWERS) {
      throw new IntakeError('too_many_followers', `${feed.followers} others read the events of job ${job}; close one of them, or ask again in a few seconds`, { fault: 'user', fields: { retryAfterMs: RETRY_AFTER_MS } });
    }
    feed.followers++;
    this.#followers++;
    let here = true;
    // A generator that nobody began runs no `finally`: the signal counts as leaving, too.
    const leave = (): void => {
      if (here) feed.followers--;
      if (here) this.#followers--;
      here = false;
    };
    signal.addEventListener('abort', leave, { once: true });
    return this.#read(feed, signal, leave);
  }

  async *#read(feed: Feed, signal: AbortSignal, leave: () => void): AsyncGenerator<JobStatusEvent> {
    try {
      for (let next = 0; !signal.aborted; ) {
        const event = feed.events[next];
        if (event !== undefined) {
          next++;
          yield event;
        } else if (feed.ended) return;
        else await changed(feed, signal);
      }
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  #keepEnded(job: string): void {
    this.#ended.add(job);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED_FEEDS) return;
      this.#ended.delete(oldest);
      this.#feeds.delete(oldest);
    }
  }
}

/** Resolves at the feed's next event, or when the signal aborts. */
function changed(feed: Feed, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      feed.waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    feed.waiting.add(done);
    signal.addEventListener('abort', done);
  });
}
