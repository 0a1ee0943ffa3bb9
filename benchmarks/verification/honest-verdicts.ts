/** Whole verdicts on honest work: what an auditor, and then a quorum, would say of one engine's rows by another's. */
import * as v from 'valibot';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { isNear } from '@ciro/core/audit/near-verdict.ts';
import { outcomeOf } from '@ciro/core/audit/quorum.ts';
import { verdictOf } from '@ciro/core/audit/verdict.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { NodeId } from '@ciro/core/ids.ts';
import { commitUnit } from '../../tests/support/cheats/committed-unit.ts';
import { compareRows, joined, NOTHING_COMPARED } from './stages-compare.ts';
import { PROMPT_POSITIONS } from './prompts.ts';
import type { UnitCheck } from '@ciro/core/audit/check-unit.ts';
import type { Verdict } from '@ciro/core/audit/transcript.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { BenchStage } from './models.ts';
import type { OtherId } from './engines/samples.ts';
import type { Comparison } from './stages-compare.ts';

const UNITS = PROMPT_POSITIONS / UNIT_POSITIONS;
/** As many wrong ids as an `audit-opened` message holds. */
const WRONG_IDS_MAX = 16;
const [AUDITOR, OTHER_AUDITOR] = ['a1', 'b2'].map((byte) => v.parse(NodeId, byte.repeat(20)));

/** The part of a model that verdicts need. */
export interface JudgedModel {
  readonly table: CalibrationTable;
  readonly manifest: { readonly architecture: { readonly hidden: number } };
}

/** One engine's work on a stage, prompts one after the other. */
export interface StageWork {
  /** [prompts × 64, d]. */
  readonly rows: Float32Array;
  /** [prompts × 64] on the last stage. */
  readonly ids: Uint32Array | null;
}

/** The audit of every prompt's four units by one engine. `others`: ids that the auditor's logits of the worker's rows do not give. */
export interface Audit {
  readonly worker: StageWork;
  readonly auditor: Float32Array;
  readonly others: readonly OtherId[];
}

/** What comes of all audits of one pair on one stage, both ways. */
export interface PairResult extends Comparison {
  units: number;
  /** Units that the verdict fails, whichever of the two was the worker. */
  unitMisses: number;
  idsChecked: number;
  idsAmbiguous: number;
  idsWrong: number;
  /** Stage-jobs whose passing verdict the reference run would look at again (SPEC A10), whichever of the two was the worker. */
  near: number;
  /** Stage-jobs that a quorum would convict (SPEC A8). */
  fraudProofs: number;
}

/** Results of several stages as one. */
export function joinedResults(results: readonly PairResult[]): PairResult {
  const sum = (of: (result: PairResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  return {
    ...results.reduce<Comparison>(joined, NOTHING_COMPARED),
    units: sum(({ units }) => units),
    unitMisses: sum(({ unitMisses }) => unitMisses),
    idsChecked: sum(({ idsChecked }) => idsChecked),
    idsAmbiguous: sum(({ idsAmbiguous }) => idsAmbiguous),
    idsWrong: sum(({ idsWrong }) => idsWrong),
    near: sum(({ near }) => near),
    fraudProofs: sum(({ fraudProofs }) => fraudProofs),
  };
}

export interface PairedWork {
  readonly prompts: number;
  /** Bytes of the stage's input for a prompt. */
  readonly input: (prompt: number) => Uint8Array;
  /** The reference run's rows, which the quorum asks for. */
  readonly reference: Float32Array;
  readonly forward: Audit;
  readonly backward: Audit;
}

/** Judges a pair of engines on one stage. */
export function judgePair(model: JudgedModel, stage: BenchStage, { prompts, input, reference, forward, backward }: PairedWork): PairResult {
  const size = PROMPT_POSITIONS * model.manifest.architecture.hidden;
  const result: PairResult = { ...NOTHING_COMPARED, units: 0, unitMisses: 0, idsChecked: 0, idsAmbiguous: 0, idsWrong: 0, near: 0, fraudProofs: 0 };
  for (let prompt = 0; prompt < prompts; prompt++) {
    const cut = (rows: Float32Array): Float32Array => rows.subarray(prompt * size, (prompt + 1) * size);
    Object.assign(result, joined(result, compareRows(cut(forward.worker.rows), cut(forward.auditor), model.table, stage.boundary)));
    result.units += UNITS;
    const failed = new Set<number>();
    for (const audit of [forward, backward]) {
      const work = { input: input(prompt), rows: cut(audit.worker.rows), ids: audit.worker.ids?.subarray(prompt * PROMPT_POSITIONS, (prompt + 1) * PROMPT_POSITIONS) ?? null };
      const ids = sampledIds(audit, prompt);
      const units = unitChecks(model, stage, work, cut(audit.auditor));
      const verdict = verdictOf(units, ids);
      for (const { finding } of units) if (finding !== null) failed.add(finding.unit);
      for (const { position } of ids?.wrong ?? []) failed.add(Math.floor(position / UNIT_POSITIONS));
      result.idsChecked += ids?.checked ?? 0;
      result.idsAmbiguous += ids?.ambiguous ?? 0;
      result.idsWrong += ids?.wrong.length ?? 0;
      if (verdict.passed && isNear(verdict)) result.near++;
      if (convicts(verdict, () => verdictOf(unitChecks(model, stage, work, cut(reference)), ids))) result.fraudProofs++;
    }
    result.unitMisses += failed.size;
  }
  return result;
}

/** Work on one prompt. */
interface PromptWork {
  readonly input: Uint8Array;
  readonly rows: Float32Array;
  readonly ids: Uint32Array | null;
}

function unitChecks(model: JudgedModel, stage: BenchStage, { input, rows, ids }: PromptWork, auditor: Float32Array): UnitCheck[] {
  const under = { table: model.table, boundary: stage.boundary, last: stage.last };
  const span = ({ length }: { readonly length: number }, unit: number): [number, number] => [(unit * length) / UNITS, ((unit + 1) * length) / UNITS];
  return Array.from({ length: UNITS }, (_, unit) => {
    const positions = { from: unit * UNIT_POSITIONS, to: (unit + 1) * UNIT_POSITIONS };
    const committed = commitUnit({ ...positions, input: input.subarray(...span(input, unit)), rows: rows.subarray(...span(rows, unit)), ...(ids && { ids: ids.subarray(...span(ids, unit)) }) }, under);
    return checkUnit(committed, auditor.subarray(...span(auditor, unit)), under);
  });
}

function sampledIds({ worker, others }: Audit, prompt: number): SampledIds | null {
  if (worker.ids === null) return null;
  const of = others.filter((other) => other.prompt === prompt);
  return {
    checked: worker.ids.subarray(prompt * PROMPT_POSITIONS, (prompt + 1) * PROMPT_POSITIONS).filter((id) => id !== NO_ID).length,
    ambiguous: of.filter(({ ambiguous }) => ambiguous).length,
    wrong: of.filter(({ ambiguous }) => !ambiguous).map(({ position, id, gap }) => ({ position, id, gap })).slice(0, WRONG_IDS_MAX),
  };
}

/** Escalation as SPEC A8 has it: a failed opinion, a second auditor that sees the same, the reference run. */
function convicts(verdict: Verdict, byReference: () => Verdict): boolean {
  if (verdict.passed || AUDITOR === undefined || OTHER_AUDITOR === undefined) return false;
  return outcomeOf([{ auditor: AUDITOR, verdict }, { auditor: OTHER_AUDITOR, verdict }, { auditor: 'coordinator', verdict: byReference() }]) === 'failed';
}
