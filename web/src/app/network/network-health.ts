import * as v from 'valibot';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The part of `/health` that the page shows. */
const Health = v.object({
  ready: v.boolean(),
  workers: v.object({ profiled: Count, missing: Count }),
  jobs: v.object({ running: Count, queued: Count }),
  stages: v.array(v.object({ worker: v.nullable(v.string()), layers: v.tuple([Count, Count]), shards: v.picklist(['vacant', 'loading', 'ready']) })),
});

/** Layers of the default model, and the tab that holds them. */
export interface PlacedStage {
  readonly worker: string;
  readonly layers: readonly [number, number];
  readonly ready: boolean;
}

/** The network at a glance. */
export interface NetworkHealth {
  /** Tabs that measured themselves. */
  readonly workers: number;
  /** Tabs that must still come before anything can be answered. */
  readonly missing: number;
  readonly queued: number;
  /** Stages with a tab, in the order of the layers. */
  readonly stages: readonly PlacedStage[];
  /** Stages without one. */
  readonly vacant: number;
  /** Layers of the default model; 0 before it is placed. */
  readonly layers: number;
  /** A question would be answered now. */
  readonly serves: boolean;
}

/** The network from a body of `/health`; undefined when it is none. */
export function networkHealth(body: unknown): NetworkHealth | undefined {
  const parsed = v.safeParse(Health, body);
  if (!parsed.success) return undefined;
  const { ready, workers, jobs, stages } = parsed.output;
  const placed = stages.flatMap(({ worker, layers, shards }) => (worker === null ? [] : [{ worker, layers, ready: shards === 'ready' }]));
  return {
    workers: workers.profiled,
    missing: workers.missing,
    queued: jobs.queued,
    stages: placed,
    vacant: stages.length - placed.length,
    layers: Math.max(0, ...stages.map(({ layers }) => layers[1])),
    serves: ready,
  };
}
