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
        audit_status: v.picklist(['pending', 'passed by', 'passed', 'failed', 'unpaid']),
        units: v.array(v.unknown()),
        receipts: v.array(v.object({ signer: Text, valid: v.boolean() })),
      }),
    ),
    v.maxLength(64),
  ),
  disagreements: v.array(v.unknown()),
  audits: v.pipe(v.array(v.object({ stage: Count, opinions: v.array(v.object({ auditor: Text, independent: v.boolean(), verdict: v.object({ passed: v.boolean() }) })) })), v.maxLength(64)),
  assurance: v.picklist(['stream', 'checked']),
  corrected_by: v.nullable(Text),
  text: v.string(),
  ledger: v.object({ debit: Amount, fee: Amount }),
});

/** What became of a stage's draw: `passed by` was not looked at, `unpaid` could not be decided. */
export type AuditStatus = 'pending' | 'passed by' | 'passed' | 'failed' | 'unpaid';

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
  readonly audit: AuditStatus;
  /** Who looked at its work: other tabs, and the coordinator's own reference run. */
  readonly auditors: readonly { readonly id: string; readonly independent: boolean; readonly passed: boolean }[];
}

/** Who answered, and what it cost in base units. */
export interface ServedBy {
  readonly stages: readonly ServedStage[];
  /** Units about which two tabs said different things. */
  readonly disagreements: number;
  readonly debit: bigint;
  readonly fee: bigint;
  /** `checked`: the text was given out after the audits. */
  readonly assurance: 'stream' | 'checked';
  /** The job whose answer puts this one's right, after an audit failed. */
  readonly correctedBy: string | undefined;
  readonly text: string;
}

/** True when every stage's audit, or the draw that passed it by, is decided. */
export const isDecided = ({ stages, correctedBy }: ServedBy): boolean => stages.every(({ audit }) => audit !== 'pending') && (correctedBy !== undefined || stages.every(({ audit }) => audit !== 'failed'));

/** What a body of the evidence endpoint says; undefined while the job is not recorded. */
export function servedBy(body: unknown): ServedBy | undefined {
  const parsed = v.safeParse(Evidence, body);
  if (!parsed.success) return undefined;
  const { stages, disagreements, ledger, audits, assurance, corrected_by: correctedBy, text } = parsed.output;
  return {
    stages: stages.map(({ worker, layers, engine, link, ms_per_token: time, units, receipts, audit_status: audit }, index) => ({
      worker,
      layers,
      engine,
      link,
      tokenMs: time.p50,
      units: units.length,
      receipts: { valid: receipts.filter(({ valid }) => valid).length, all: receipts.length },
      audit,
      auditors: audits.filter(({ stage }) => stage === index).flatMap(({ opinions }) => opinions.map(({ auditor, independent, verdict }) => ({ id: auditor, independent, passed: verdict.passed }))),
    })),
    disagreements: disagreements.length,
    debit: BigInt(ledger.debit),
    fee: BigInt(ledger.fee),
    assurance,
    correctedBy: correctedBy ?? undefined,
    text,
  };
}

const Correction = v.object({ corrects: v.string() });

/** The job that evidence puts right, if it does. */
export const correctedIn = (body: unknown): string | undefined => {
  const parsed = v.safeParse(Correction, body);
  return parsed.success ? parsed.output.corrects : undefined;
};
