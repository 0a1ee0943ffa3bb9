import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import type { Volunteers } from '../volunteers/launch-volunteers.ts';
import type { Coordinator } from '../main.ts';

export class NetworkError extends CiroError<'not-ready'> {}

/** Four cold volunteers share two cores while they expand a 98 MB model; on a machine that is slower still this ends the wait. */
const READY_TIMEOUT_MS = 240_000;
const POLL_MS = 200;
/** Pages renew what they tell every 250 ms; a placement may also have been filled by a tab that is gone again. */
const FIGURES_TIMEOUT_MS = 2_000;

/** What a page says of itself through `globalThis.ciro.status()`. */
const PageStatus = v.object({
  state: v.looseObject({ kind: v.string() }),
  timings: v.object({ join_ms: v.nullable(v.number()), ready_ms: v.nullable(v.number()) }),
});

export interface JoinTimes {
  /** Link opened to joined. */
  readonly joinMs: number;
  /** Link opened to shards ready; 0 for a spare, which holds none. */
  readonly readyMs: number;
}

const BROKEN_STATES: ReadonlySet<string> = new Set(['error', 'unsupported']);

const statusesOf = (volunteers: Volunteers) => Promise.all(volunteers.pages.map(statusOf));

/** Reads one page's status; undefined while the page has not started its program. */
async function statusOf(page: Volunteers['pages'][number]): Promise<v.InferOutput<typeof PageStatus> | undefined> {
  const status: unknown = await page.evaluate('globalThis.ciro?.status()');
  return v.is(PageStatus, status) ? status : undefined;
}

/**
 * Waits until the coordinator has every stage placed, loaded and linked, and gives each page's times.
 * While the volunteers that measured themselves cannot hold the model, what is missing is reported.
 * @throws NetworkError `not-ready` with each page's state and what the pages complained of
 */
export async function waitForVolunteers(volunteers: Volunteers, coordinator: Coordinator, { report, ...wanted }: { readonly stages: number; readonly report: (line: string) => void }, signal: AbortSignal): Promise<JoinTimes[]> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let statuses = await statusesOf(volunteers);
  const missing = new MissingWatch(coordinator, report);
  while (!coordinator.status().ready) {
    signal.throwIfAborted();
    missing.look();
    const broken = statuses.some((status) => status !== undefined && BROKEN_STATES.has(status.state.kind));
    if (broken || performance.now() > deadline) {
      const states = statuses.map((status) => status?.state ?? { kind: 'not started' });
      const complaints = volunteers.problems.map((problem) => `tab ${problem.volunteer}: ${problem.text}`);
      const why = broken ? 'a tab cannot go on' : `after ${READY_TIMEOUT_MS / 1000} s the tabs are not ready; a busy machine needs longer: close other programs and start again`;
      throw new NetworkError('not-ready', [`${wanted.stages} stages cannot be filled: ${why}.`, ...states.map((state, tab) => `tab ${tab}: ${JSON.stringify(state)}`), ...complaints].join('\n'), { fault: 'timeout', fields: { states } });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    statuses = await statusesOf(volunteers);
  }
  // A page tells its figures a few times a second: the coordinator knows first that the last stage is ready.
  const told = (): number => statuses.filter((status) => typeof status?.timings.ready_ms === 'number').length;
  for (const until = performance.now() + FIGURES_TIMEOUT_MS; told() < wanted.stages && performance.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    statuses = await statusesOf(volunteers);
  }
  return statuses.map((status) => ({ joinMs: status?.timings.join_ms ?? 0, readyMs: status?.timings.ready_ms ?? 0 }));
}

/** Says how many tabs a model still needs, and where they join, each time that the number changes. */
class MissingWatch {
  readonly #coordinator: Coordinator;
  readonly #report: (line: string) => void;
  #said = 0;

  constructor(coordinator: Coordinator, report: (line: string) => void) {
    this.#coordinator = coordinator;
    this.#report = report;
  }

  look(): void {
    const { missing, workers } = this.#coordinator.status();
    // Before the first has measured itself nobody knows what tabs here hold.
    if (workers === 0 || missing === this.#said) return;
    this.#said = missing;
    const name = this.#coordinator.models.list()[0]?.manifest.name ?? 'the model';
    this.#report(missing === 0 ? `${name} has all the tabs it needs` : `${name} needs ${missing} more ${missing === 1 ? 'tab' : 'tabs'}: ${this.#coordinator.publicUrl}/#contribute`);
  }
}
