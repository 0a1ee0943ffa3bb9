import * as v from 'valibot';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Stages = v.array(v.object({ worker: v.string(), layers: v.tuple([Count, Count]), ready: v.boolean() }));

/** The part of `/health` that the page shows. */
const Health = v.object({
  workers: Count,
  missing: Count,
  queue: Count,
  /** The first one first: its stages are those of the default model, too, unless it serves another. */
  rings: v.array(v.object({ ready: v.boolean(), stages: Stages })),
  /** Served models, the default first. */
  models: v.array(
    v.object({
      layers: Count,
      ready: v.boolean(),
      stages: Stages,
    }),
  ),
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
  /** Stages of the first ring that have a tab, in the order of the layers. */
  readonly stages: readonly PlacedStage[];
  /** Stages of every ring, the first one first. */
  readonly rings: readonly (readonly PlacedStage[])[];
  /** Layers of the default model; 0 when there is none. */
  readonly layers: number;
  /** A question would be answered now. */
  readonly serves: boolean;
}

/** The network from a body of `/health`; undefined when it is none. */
export function networkHealth(body: unknown): NetworkHealth | undefined {
  const parsed = v.safeParse(Health, body);
  if (!parsed.success) return undefined;
  const { workers, missing, queue, models, rings } = parsed.output;
  const { layers, ready, stages } = models[0] ?? { layers: 0, ready: false, stages: [] };
  return { workers, missing, queued: queue, stages, rings: rings.map((ring) => ring.stages), layers, serves: ready };
}

/** The ring that a tab has a stage of, counted from 1; undefined when it has none. */
export function ringOf({ rings }: Pick<NetworkHealth, 'rings'>, tab: string | undefined): { readonly number: number; readonly stages: readonly PlacedStage[] } | undefined {
  const index = rings.findIndex((stages) => stages.some(({ worker }) => worker === tab));
  const stages = rings[index];
  return stages === undefined ? undefined : { number: index + 1, stages };
}
