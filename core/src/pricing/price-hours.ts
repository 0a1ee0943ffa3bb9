/** Hours with a factor of their own, UTC; past midnight where they end before they begin. */
export interface PriceHours {
  readonly name: string;
  /** Days on which they begin, 0 for Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight, `to` not included. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Basis points. */
  readonly factor: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** Day of the week on which the epoch began. */
const THURSDAY = 4;

/** The first of these hours that holds at `at`, epoch milliseconds. */
export function hoursAt(hours: readonly PriceHours[], at: number): PriceHours | undefined {
  const minutes = Math.floor(at / MINUTE_MS);
  const minute = minutes % DAY_MINUTES;
  const day = (Math.floor(minutes / DAY_MINUTES) + THURSDAY) % 7;
  return hours.find(({ days, fromMinute, toMinute }) => {
    const length = (toMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
    const since = (minute - fromMinute + DAY_MINUTES) % DAY_MINUTES;
    const began = minute >= fromMinute ? day : (day + 6) % 7;
    return since < length && days.includes(began);
  });
}
