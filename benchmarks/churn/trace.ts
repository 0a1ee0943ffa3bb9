import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';

/** How a tab goes: by its person, with its process, or by standing still while its connections stay open. */
export const DEPARTURES = ['leave', 'crash', 'freeze'] as const;
export type Departure = (typeof DEPARTURES)[number];

/**
 * One thing that happens to the tabs, `at` milliseconds from the beginning. `which`, in [0, 1): the share of the tabs that are here, the one that came
 * first at 0, before the one that goes.
 */
export type ChurnEvent = { readonly at: number; readonly what: Departure; readonly which: number } | { readonly at: number; readonly what: 'join' };

/** Mean time from a departure to the arrival that makes up for it: as many come as go, and the number of tabs stays bounded on one machine. */
const MEAN_ABSENCE_MS = 8_000;
const MINUTE_MS = 60_000;

/**
 * What happens in so many minutes at so many departures a minute: departures come at random and independently of each other (a Poisson process), the ways
 * to go are equally likely, and each departure is followed by an arrival after a random (exponential) time. The same arguments give the same trace, everywhere.
 */
export function drawTrace(seed: number, departuresPerMinute: number, minutes: number): readonly ChurnEvent[] {
  const { uniform, below } = seededNumbers(seed, `churn at ${departuresPerMinute} a minute`);
  const exponential = (mean: number): number => -mean * Math.log(1 - uniform());
  const end = minutes * MINUTE_MS;
  const events: ChurnEvent[] = [];
  if (departuresPerMinute > 0) {
    for (let at = exponential(MINUTE_MS / departuresPerMinute); at < end; at += exponential(MINUTE_MS / departuresPerMinute)) {
      events.push({ at: Math.round(at), what: DEPARTURES[below(DEPARTURES.length)] ?? 'leave', which: uniform() });
      const back = at + exponential(MEAN_ABSENCE_MS);
      if (back < end) events.push({ at: Math.round(back), what: 'join' });
    }
  }
  return events.toSorted((a, b) => a.at - b.at);
}

/** A trace as lines of text, to be kept and compared. */
export const linesOf = (trace: readonly ChurnEvent[]): string => trace.map((event) => `${(event.at / 1_000).toFixed(3)} ${event.what}${event.what === 'join' ? '' : ` ${event.which.toFixed(6)}`}`).join('\n');
