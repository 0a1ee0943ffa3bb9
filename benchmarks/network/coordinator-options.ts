import * as v from 'valibot';

/** What a coordinator process is started with; one JSON argument. */
export const CoordinatorOptions = v.strictObject({
  modelPath: v.string(),
  dataDir: v.string(),
  stages: v.number(),
  /** Places for the first time exactly when this many volunteers are there. */
  expectWorkers: v.number(),
  /** PostgreSQL instead of the embedded database. */
  databaseUrl: v.optional(v.string()),
  /** PEM files: serves HTTPS, for tabs that are not on this machine's loopback. */
  tls: v.optional(v.strictObject({ cert: v.string(), key: v.string() })),
  /** Share of stage-jobs that are audited, for what audits would disturb. */
  auditRate: v.optional(v.number()),
  ice: v.optional(v.strictObject({ stun: v.array(v.string()), turn: v.array(v.string()), turnSecret: v.string() })),
});
export type CoordinatorOptions = v.InferOutput<typeof CoordinatorOptions>;

/** What it says once it serves. */
export const Serving = v.strictObject({ say: v.literal('serving'), url: v.string(), trialKey: v.string() });
/** Asked by the parent; answered with itself when every stage is placed, loaded and linked. */
export const READY = 'ready';
