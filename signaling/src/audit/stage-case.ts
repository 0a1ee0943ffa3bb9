import { MAX_OPINIONS } from '@ciro/core/audit/quorum.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { firstUnitOf } from '@ciro/core/job/plan.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import type { StageUnderAudit } from '@ciro/core/audit/check-unit.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import { prefixParts, unitsWithin } from '../evidence/prefix-jobs.ts';
import { idBytes } from '../scheduler/build-plan.ts';
import type { JobRecord, StageRecord, UnitRecord } from '../scheduler/job-order.ts';
import { sha256Hex } from './piece-assembler.ts';
import type { Sampling } from './ports.ts';

/** One unit as it was committed, and what its pieces are. */
export interface UnitCase {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  /** What the worker signed. */
  readonly inputHash: HexHash;
  readonly payloadHash: HexHash;
  readonly canonHash: HexHash;
  readonly hintHash: HexHash;
  readonly hints: Uint8Array;
  readonly leafHash: HexHash;
  /** What the worker was given, which is what an auditor computes from: another hash than the signed one is a finding. */
  readonly givenHash: HexHash;
  /** The first stage's ids: the coordinator gave them out itself. Absent past the last one that counts. */
  readonly given?: Uint8Array<ArrayBuffer>;
  readonly inputBytes: number;
  readonly payloadBytes: number;
}

/** What a stage was given in a unit of an earlier job, whose cache it went on from (SPEC V4). */
export type GivenUnit = Pick<UnitCase, 'unit' | 'from' | 'to' | 'givenHash' | 'given' | 'inputBytes'>;

/** One stage of a recorded job, as an audit needs it. */
export interface StageCase {
  readonly stage: number;
  readonly worker: NodeId;
  readonly layers: readonly [number, number];
  readonly channels: number;
  readonly check: StageUnderAudit;
  /** Units of earlier jobs before this one's, from position 0. */
  readonly prefix: readonly GivenUnit[];
  /** The worker of the stage before was not the one that gave those inputs, and has other rows (SPEC V9). */
  readonly isAfterRebuilt: boolean;
  readonly units: readonly UnitCase[];
  readonly root: string;
  /** For the last stage. */
  readonly sampling: Sampling | null;
}

/** Why a stage cannot be audited: what an audit rests on is not there. Its work is unpaid, and nothing else follows. */
export interface NoCase {
  readonly why: string;
}

/** Makes the case of a stage from its record; `earlier`: the jobs whose caches it began with, the newest first. `units` of it are looked at: from the first on. */
export function stageCase(record: JobRecord, stage: number, manifest: ModelManifest, earlier: readonly JobRecord[] = []): StageCase | NoCase {
  const { plan } = record.signed;
  const found = record.stages[stage];
  const planned = plan.stages[stage];
  if (found === undefined || planned === undefined) throw new RangeError(`stage ${stage} of ${plan.stages.length}`);
  const { root } = found;
  if (root === undefined) return { why: 'no root that holds was posted for this stage' };
  if (found.units.length === 0) return { why: 'the stage committed to nothing' };
  if (!found.units.every(({ receipt: { body } }, index) => body.unit === firstUnitOf(plan) + index && (index === 0 || body.from === found.units[index - 1]?.receipt.body.to))) return { why: 'units are missing between those that were sent' };
  const { hidden, layers } = manifest.architecture;
  const prefix = prefixOf(record, stage, hidden, earlier);
  if (prefix === undefined) return { why: 'the job that this one goes on from is not on record' };
  const last = stage === plan.stages.length - 1;
  const context = { network: plan.network, worker: planned.worker, job: plan.job, planHash: record.planHash, stage, modelId: plan.modelId, precision: plan.precision };
  const units = found.units.map((unit, index): UnitCase => {
    const { receipt: { body }, canonHash, hintHash, hints } = unit;
    const positions = body.to - body.from;
    const ids = stage === 0 ? idsBetween(record, body.from, body.to) : undefined;
    const passed = stage === 0 ? undefined : passedOn(record.stages[stage - 1]?.units[index], unit);
    return {
      ...{ unit: body.unit, from: body.from, to: body.to, inputHash: body.inputHash, payloadHash: body.payloadHash, canonHash, hintHash },
      hints: fromBase64(hints),
      leafHash: leafHash(context, { ...body, canonHash, hintHash }, root.salts[index] ?? '') as HexHash,
      givenHash: ids === undefined ? (passed ?? body.inputHash) : sha256Hex(ids),
      ...(ids === undefined ? {} : { given: ids }),
      inputBytes: positions * (stage === 0 ? 4 : 4 * hidden),
      payloadBytes: positions * (last ? 4 * hidden + 4 : 4 * hidden),
    };
  });
  return {
    ...{ stage, worker: planned.worker, layers: planned.layers, channels: hidden, prefix, isAfterRebuilt: [record, ...earlier].some(({ signed }) => signed.plan.prefix?.rebuilds === stage - 1), units, root: root.root },
    check: { table: decodeCalibration(fromBase64(manifest.calibration.base64)), boundary: last ? layers + 1 : planned.layers[1], last },
    sampling: last ? { sampler: plan.sampler, promptTokens: plan.promptTokens } : null,
  };
}

/** What the stage was given below its first unit: ids, or what the stage before it passed on under the earlier plans. Undefined when one of those is missing. */
function prefixOf(record: JobRecord, stage: number, hidden: number, earlier: readonly JobRecord[]): GivenUnit[] | undefined {
  const given = prefixParts(record.signed.plan, earlier)?.toReversed().flatMap((part) => unitsWithin(part, stage === 0 ? 0 : stage - 1));
  if (given?.length !== firstUnitOf(record.signed.plan)) return undefined;
  return given.map(({ receipt: { body: { unit, from, to, linkHash } } }) => {
    const ids = stage === 0 ? idsBetween(record, from, to) : undefined;
    return { unit, from, to, givenHash: ids === undefined ? linkHash : sha256Hex(ids), ...(ids === undefined ? {} : { given: ids }), inputBytes: (to - from) * (stage === 0 ? 4 : 4 * hidden) };
  });
}

/**
 * What the stage before passed on, when both sides signed for it: a worker that acknowledged one input and says that it worked
 * from another contradicts itself. Undefined when that was never acknowledged, or covers other positions (the ring runs ahead of a stop).
 */
function passedOn(before: UnitRecord | undefined, own: UnitRecord): HexHash | undefined {
  const [given, taken] = [before?.receipt.body, own.receipt.body];
  const same = given !== undefined && given.from === taken.from && given.to === taken.to;
  return same && before?.receiptValid === true && before.acknowledgementValid === true ? given.linkHash : undefined;
}

/** The first stage's true inputs in `[from, to)`, as bytes: ids of the prompt, of the answer, and those sampled beyond a stop. */
function idsBetween({ promptIds, tokenIds, surplusIds }: JobRecord, from: number, to: number): Uint8Array<ArrayBuffer> | undefined {
  const ids = [...promptIds, ...tokenIds, ...surplusIds].slice(from, to);
  return ids.length === to - from ? idBytes(ids) : undefined;
}

/** Ids of the last stage that are checked when positions `[0, to)` are looked at: those drawn from the last prompt position on. */
export const idsChecked = ({ promptTokens }: Sampling, to: number): number => Math.max(0, to - (promptTokens - 1));

/** Bytes that the audit of a stage can come to hold: input, payload and every auditor's rows of each unit; of units of earlier jobs the input. */
export const stageBytes = ({ units }: Pick<StageRecord, 'units'>, channels: number): number => (units.length * (2 + MAX_OPINIONS) + (units[0]?.receipt.body.unit ?? 0)) * UNIT_POSITIONS * channels * 4;
