export const DAY_MS = 86_400_000;

/** Where a UTC day begins, epoch milliseconds. */
export const dayOf = (at: number): number => at - (at % DAY_MS);
