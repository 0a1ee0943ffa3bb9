import { LAUNCH_RATES } from './price.ts';
import type { DemandCurve } from './demand.ts';
import type { PriceHours } from './price-hours.ts';

/** Factors are whole basis points: 10,000 leaves a price as it is. */
export const WHOLE_BASIS_POINTS = 10_000;

export const SERVICE_CLASSES = ['spot', 'standard', 'redundant'] as const;
export type ServiceClass = (typeof SERVICE_CLASSES)[number];
export const PRIORITIES = ['normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Base units a token, before any factor. */
export interface TokenPrices {
  readonly promptToken: bigint;
  readonly generatedToken: bigint;
}

/** What a service class costs and gets. */
export interface ClassTerms {
  readonly factor: number;
  /** Of the debit, in basis points; the rest is the workers'. */
  readonly feeBasisPoints: number;
  /** Waits behind every other class. */
  readonly waits: boolean;
  /** Its answer is given out once every stage was computed again by others (`checked`, PROTOCOL 7). */
  readonly checked: boolean;
}

/** Everything that a price is made from, as data (SPEC M13). */
export interface PriceBook {
  readonly prices: TokenPrices;
  /** By model id, where a model has prices of its own. */
  readonly models: ReadonlyMap<string, TokenPrices>;
  readonly classes: Readonly<Record<ServiceClass, ClassTerms>>;
  readonly priorities: Readonly<Record<Priority, number>>;
  /** Without a curve and hours a price is fixed. */
  readonly demand?: DemandCurve;
  /** The first one that holds counts. */
  readonly hours: readonly PriceHours[];
}

const FEE_BASIS_POINTS = Number(LAUNCH_RATES.feeBasisPoints);

/**
 * Prices at launch, which never move. A redundant answer costs half as much again, and its workers are paid as for a standard one, 1.5 x 0.65 = 0.975: the rest is
 * for the audits of every stage, which the fee account pays (SPEC M8).
 */
export const FIXED_BOOK: PriceBook = {
  prices: LAUNCH_RATES,
  models: new Map(),
  classes: {
    spot: { factor: 6_000, feeBasisPoints: FEE_BASIS_POINTS, waits: true, checked: false },
    standard: { factor: WHOLE_BASIS_POINTS, feeBasisPoints: FEE_BASIS_POINTS, waits: false, checked: false },
    redundant: { factor: 15_000, feeBasisPoints: 3_500, waits: false, checked: true },
  },
  priorities: { normal: WHOLE_BASIS_POINTS, high: 15_000 },
  hours: [],
};

/** The same, moved by demand and by the hour. */
export const DEMAND_BOOK: PriceBook = {
  ...FIXED_BOOK,
  demand: { least: 7_500, most: 30_000, targetUtilisation: 0.7, atFull: 15_000, queueAtMost: 4, stepPerSecond: 50 },
  hours: [
    { name: 'evening', days: [1, 2, 3, 4, 5], fromMinute: 17 * 60, toMinute: 22 * 60, factor: 12_000 },
    { name: 'night', days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, toMinute: 6 * 60, factor: 8_000 },
  ],
};
