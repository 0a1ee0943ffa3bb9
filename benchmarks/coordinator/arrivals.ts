import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';

/** One job that is asked for. */
export interface Arrival {
  /** Milliseconds after the begin. */
  readonly atMs: number;
  readonly maxTokens: number;
}

const HOUR_MS = 3_600_000;

/** Jobs that come independently of each other (exponential gaps), `perHour` on average and exactly as many as that makes in `forMs`. */
export function drawArrivals(seed: number, { perHour, forMs, tokens }: { readonly perHour: number; readonly forMs: number; readonly tokens: readonly [number, number] }): readonly Arrival[] {
  const { uniform, below } = seededNumbers(seed, 'arrivals');
  const count = Math.round((perHour * forMs) / HOUR_MS);
  const gaps = Array.from({ length: count + 1 }, () => -Math.log(1 - uniform()));
  // Scaled so that the last gap ends with the time: the rate is the one that was asked for, whatever was drawn.
  const scale = forMs / gaps.reduce((sum, gap) => sum + gap, 0);
  let atMs = 0;
  return gaps.slice(0, count).map((gap) => {
    atMs += gap * scale;
    return { atMs, maxTokens: tokens[0] + below(tokens[1] - tokens[0] + 1) };
  });
}
