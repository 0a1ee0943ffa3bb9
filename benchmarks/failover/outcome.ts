import type { Kill } from './kill-plan.ts';

/** What became of an answer that lost a tab. */
export interface Outcome {
  readonly stages: number;
  readonly kill: Kill;
  /** Its ids were drawn, not the likeliest ones. */
  readonly drawn: boolean;
  /** A spare stood by with the layers that were lost, at that moment. */
  readonly warm: boolean;
  /** Longest wait for the next piece of text from then on; undefined when none came any more. */
  readonly stallMs: number | undefined;
  /** Until the client was told that layers move. */
  readonly movingMs: number | undefined;
  /** The error that the client was given instead of the rest. */
  readonly lost: string | undefined;
  readonly changedTokens: number;
}

/** Longest gap between two pieces of which the second came after `at`: what a reader sees of a disturbance then. */
export function stallOf(times: readonly number[], at: number): number | undefined {
  const gaps = times.flatMap((time, index) => {
    const before = times[index - 1];
    return before === undefined || time <= at ? [] : [time - before];
  });
  return gaps.length === 0 ? undefined : Math.max(...gaps);
}

/** Places at which two answers differ; one that is shorter differs in every place that it lacks. */
export function changedTokens(reference: readonly number[], ids: readonly number[]): number {
  const longest = Math.max(reference.length, ids.length);
  return Array.from({ length: longest }, (_, index) => reference[index] !== ids[index]).filter(Boolean).length;
}

/** The least value that this share of all does not exceed (nearest rank); NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}

/** Whether one of these ranges is the lost one. */
export const covers = (standby: readonly (readonly [number, number] | null)[], lost: readonly [number, number]): boolean => standby.some((range) => range?.[0] === lost[0] && range[1] === lost[1]);
