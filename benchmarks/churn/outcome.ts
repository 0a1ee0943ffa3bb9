/** What became of one question that was asked while tabs came and went. */
export interface Asked {
  /** Index into the questions. */
  readonly question: number;
  readonly tokens: number;
  /** Longest wait between two pieces of text; undefined when fewer than two came. */
  readonly stallMs: number | undefined;
  /** Times that layers moved under it. */
  readonly moves: number;
  readonly changedTokens: number;
  /** The error that its client was given. */
  readonly lost: string | undefined;
  /** Fewest tabs that could have served it, at any time from the question to its end. */
  readonly leastTabs: number;
}

/** One rate of departures, played. */
export interface Played {
  readonly departuresPerMinute: number;
  /** Departures and arrivals that were played. */
  readonly departures: number;
  readonly joins: number;
  readonly seconds: number;
  readonly asked: readonly Asked[];
}

/** An answer counts as lost when its client was given an error although somebody was here all the time who could have served it. */
export const isLost = ({ lost, leastTabs }: Asked): boolean => lost !== undefined && leastTabs > 0;

/** Longest gap between two of these times. */
export function longestGap(times: readonly number[]): number | undefined {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return gaps.length === 0 ? undefined : Math.max(...gaps);
}
