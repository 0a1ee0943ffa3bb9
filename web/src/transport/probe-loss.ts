/** Probes are counted over this long: Chromium sends one every 2.5 s on a quiet link, so about 24 are in it. */
const WINDOW_MS = 60_000;
/** Fewer probes say nothing. */
const LEAST_PROBES = 4;

/** Probes sent and answered since a link was opened (STUN checks of the selected pair). */
export interface ProbeCounts {
  readonly sent: number;
  readonly answered: number;
}

/**
 * Share of a link's probes that got no answer lately. A data channel repeats what is lost and browsers do not count that, so the checks that
 * ICE itself sends over the same path are what can be seen of it.
 */
export class ProbeLoss {
  readonly #samples: (ProbeCounts & { readonly at: number })[] = [];

  /** The counts so far, at `now` in milliseconds; undefined while too few were sent. */
  add(counts: ProbeCounts, now: number): number | undefined {
    // Another pair of candidates is in use, which counts for itself.
    if (counts.sent < (this.#samples.at(-1)?.sent ?? 0)) this.#samples.length = 0;
    this.#samples.push({ ...counts, at: now });
    while (this.#samples[1] !== undefined && this.#samples[1].at <= now - WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const sent = counts.sent - (first?.sent ?? 0);
    if (sent < LEAST_PROBES) return undefined;
    // The newest one may still be on its way.
    const lost = sent - (counts.answered - (first?.answered ?? 0)) - 1;
    return Math.min(1, Math.max(0, lost / sent));
  }
}
