/** How demand moves prices; factors in basis points (SPEC M14). */
export interface DemandCurve {
  /** Factor of an idle network, and the highest there is. */
  readonly least: number;
  readonly most: number;
  /** Share of places in use at which the factor is 1; 0 to 1, neither included. */
  readonly targetUtilisation: number;
  /** Factor with every place in use and nobody waiting. */
  readonly atFull: number;
  /** Jobs waiting for one place at which the factor is `most`; more change nothing. */
  readonly queueAtMost: number;
  /** The most that a factor moves in a second. */
  readonly stepPerSecond: number;
}

/** What the network has to do. */
export interface Load {
  /** Jobs that can run at a time. */
  readonly places: number;
  readonly running: number;
  readonly queued: number;
}

/** A factor and when it was reached, epoch milliseconds. */
export interface DemandState {
  readonly factor: number;
  readonly at: number;
}

const ONE = 10_000;

/** The factor that a load leads to in the end: straight lines from idle over the target and the full network to the longest queue. */
export function demandTarget(curve: DemandCurve, { places, running, queued }: Load): number {
  if (places <= 0) return queued > 0 ? curve.most : ONE;
  const used = Math.min(1, running / places);
  const { least, most, targetUtilisation: target, atFull } = curve;
  const waiting = Math.min(1, queued / (places * curve.queueAtMost));
  const ofPlaces = used < target ? least + ((ONE - least) * used) / target : ONE + ((atFull - ONE) * (used - target)) / (1 - target);
  return Math.round(clamp(ofPlaces + (most - atFull) * waiting, least, most));
}

/** The factor at `at`: from where it was towards its target, no faster than the curve lets it; a clock that went back moves nothing. */
export function demandAt(curve: DemandCurve, before: DemandState | undefined, load: Load, at: number): DemandState {
  if (before === undefined) return { factor: ONE, at };
  const most = Math.floor((Math.max(0, at - before.at) * curve.stepPerSecond) / 1000);
  // Less than a step: the time goes on counting.
  if (most === 0) return before;
  const way = demandTarget(curve, load) - before.factor;
  return { factor: clamp(before.factor + clamp(way, -most, most), curve.least, curve.most), at };
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
