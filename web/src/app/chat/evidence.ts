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
  continued_by: v.nullable(Text),
  finish_reason: Text,
  prompt_tokens: Count,
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
  /** The job that goes on with this one's answer, after a tab left. */
  readonly continuedBy: string | undefined;
  /** True when a tab left before the end. */
  readonly moved: boolean;
  /** Tokens that it was given: the question's, and of the answer those that other jobs made. */
  readonly promptTokens: number;
  readonly text: string;
}

/** True when it is known what became of every stage's work, and which job comes after this one, if any. */
export const isDecided = (served: ServedBy): boolean => {
  const { stages, correctedBy } = served;
  return stages.every(({ audit }) => audit !== 'pending') && (correctedBy !== undefined || stages.every(({ audit }) => audit !== 'failed')) && isLinked(served);
};

/** True unless the job moved and the one that goes on is not recorded yet. */
export const isLinked = (served: ServedBy): boolean => !served.moved || jobAfter(served) !== undefined;

/** The job after this one in its answer: the one that put it right, which replaces what had gone on with it. */
export const jobAfter = ({ correctedBy, continuedBy }: ServedBy): string | undefined => correctedBy ?? continuedBy;

/** What a body of the evidence endpoint says; undefined while the job is not recorded. */
export function servedBy(body: unknown): ServedBy | undefined {
  const parsed = v.safeParse(Evidence, body);
  if (!parsed.success) return undefined;
  const { stages, disagreements, ledger, audits, assurance, corrected_by: correctedBy, continued_by: continuedBy, finish_reason: finish, prompt_tokens: promptTokens, text } = parsed.output;
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
    continuedBy: continuedBy ?? undefined,
    moved: finish === 'moved',
    promptTokens,
    text,
  };
}

const Link = v.object({ corrects: v.nullable(v.string()), continues: v.nullable(v.string()) });

/** The job before the one that this evidence is of: which it puts right, or goes on from. */
export const jobBefore = (body: unknown): string | undefined => {
  const parsed = v.safeParse(Link, body);
  return parsed.success ? (parsed.output.corrects ?? parsed.output.continues ?? undefined) : undefined;
};
