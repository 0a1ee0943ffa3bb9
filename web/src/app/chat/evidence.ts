import * as v from 'valibot';

const Count = v.pipe(v.number(), v.minValue(0));
const Text = v.pipe(v.string(), v.maxLength(200));
const Amount = v.pipe(v.string(), v.regex(/^[0-9]{1,41}$/));

/** The part of `/v1/jobs/ID/evidence` that the page shows; the endpoint gives more. */
const Evidence = v.object({
  stages: v.pipe(
    v.array(
      v.object({
        worker: Text,
        layers: v.tuple([Count, Count]),
        engine: Text,
        link: Text,
        ms_per_token: v.object({ p50: Count }),
        units: v.array(v.unknown()),
        receipts: v.array(v.object({ signer: Text, valid: v.boolean() })),
      }),
    ),
    v.maxLength(64),
  ),
  disagreements: v.array(v.unknown()),
  ledger: v.object({ debit: Amount, fee: Amount }),
});

/** One tab that answered. */
export interface ServedStage {
  readonly worker: string;
  readonly layers: readonly [number, number];
  /** `wasm`, `webgpu` or `unknown`. */
  readonly engine: string;
  /** Route to the next stage: `direct`, `relay`, `unknown`, or `none` when there is no next. */
  readonly link: string;
  /** Median milliseconds of compute a token; 0 when the tab never told. */
  readonly tokenMs: number;
  readonly units: number;
  readonly receipts: { readonly valid: number; readonly all: number };
}

/** Who answered, and what it cost in base units. */
export interface ServedBy {
  readonly stages: readonly ServedStage[];
  /** Units about which two tabs said different things. */
  readonly disagreements: number;
  readonly debit: bigint;
  readonly fee: bigint;
}

/** What a body of the evidence endpoint says; undefined while the job is not recorded. */
export function servedBy(body: unknown): ServedBy | undefined {
  const parsed = v.safeParse(Evidence, body);
  if (!parsed.success) return undefined;
  const { stages, disagreements, ledger } = parsed.output;
  return {
    stages: stages.map(({ worker, layers, engine, link, ms_per_token: time, units, receipts }) => ({
      worker,
      layers,
      engine,
      link,
      tokenMs: time.p50,
      units: units.length,
      receipts: { valid: receipts.filter(({ valid }) => valid).length, all: receipts.length },
    })),
    disagreements: disagreements.length,
    debit: BigInt(ledger.debit),
    fee: BigInt(ledger.fee),
  };
}
