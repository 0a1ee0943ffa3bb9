import * as v from 'valibot';

const Finite = v.pipe(v.number(), v.finite());
const Times = v.array(Finite);

/** What the loaded coordinator is started with; one JSON argument. */
export const LoadedOptions = v.strictObject({ folder: v.string(), stages: v.number(), layers: v.number(), databaseUrl: v.optional(v.string()), maxRings: v.optional(v.number()), port: v.optional(v.number(), 0), dataDir: v.optional(v.string()), isInstance: v.optional(v.boolean(), false) });
export type LoadedOptions = v.InferOutput<typeof LoadedOptions>;

/** What the simulated workers are started with; one JSON argument. */
export const SimulationOptions = v.strictObject({
  url: v.string(),
  /** Coordinators that they come by in turns; `url` alone when absent. */
  urls: v.optional(v.array(v.string())),
  /** A worker whose connection ends comes by the next one. */
  comesBack: v.optional(v.boolean(), false),
  seed: v.number(),
  workers: v.number(),
  /** Memory that one layer takes on a worker: budgets are drawn as so many layers. */
  layerBytes: v.number(),
  /** One worker leaves, and a new one joins, this often; never for 0. */
  changeEveryMs: v.number(),
  /** Devices of the middle, all of them. */
  alike: v.optional(v.boolean(), false),
});
export type SimulationOptions = v.InferOutput<typeof SimulationOptions>;

/** Said once the coordinator serves. */
export const Loaded = v.strictObject({ say: v.literal('serving'), url: v.string(), layerBytes: v.number() });

/** Asked by the parent: what was measured since the last `begin`, or since the start. */
export const REPORT = 'report';
export const BEGIN = 'begin';

/** Processor seconds of a process, and the part of the time that is. */
const Processor = { cpuSeconds: Finite, wallSeconds: Finite };

export const LoadedReport = v.strictObject({
  say: v.literal('report'),
  ...Processor,
  jobMs: Times,
  placementMs: Times,
  setUpMs: Times,
  waitedMs: Times,
  /** How late the event loop was, sampled every 10 ms. */
  loopP99Ms: Finite,
  loopMostMs: Finite,
});
export type LoadedReport = v.InferOutput<typeof LoadedReport>;

export const Simulating = v.strictObject({ say: v.literal('joined'), seconds: Finite });
export const SimulationReport = v.strictObject({
  say: v.literal('report'),
  ...Processor,
  connected: v.number(),
  /** Workers that have a range loaded, in a ring or standing by. */
  holding: v.number(),
  /** Workers that were given a plan, and different rings that such plans named. */
  served: v.number(),
  rings: v.number(),
  left: v.number(),
  /** Connections that failed before they were greeted. */
  failedAttempts: v.number(),
  /** Messages of the coordinator that said that something was dropped or refused, by code. */
  complaints: v.record(v.string(), v.number()),
});
export type SimulationReport = v.InferOutput<typeof SimulationReport>;
