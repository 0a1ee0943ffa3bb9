import { leafHash } from '../commitment/leaf.ts';
import { planHashOf } from '../job/plan.ts';
import { liesOnGrid } from './check-unit.ts';
import { provenLeaves } from './check-leaf.ts';
import type { UnitHashes } from '../commitment/unit-hashes.ts';
import type { JobPlan } from '../job/plan.ts';
import type { CalibrationTable } from '../model/manifest.ts';
import type { LeafUnderAudit } from './check-leaf.ts';
import type { StageUnderAudit } from './check-unit.ts';
import type { Problems } from './problem.ts';

/** A unit as a stage committed to it, with what opens its leaf. */
export interface CommittedUnit extends Omit<UnitHashes, 'linkHash'> {
  readonly hints: Uint8Array;
  /** 16 bytes, hex; null when the stage posted no valid root. */
  readonly salt: string | null;
  /** What the worker was given, by the ids or by the stage before, where that is another hash than the one it signed as its input. */
  readonly givenHash?: string;
}

/** What is known of a stage besides its audit. */
export interface StageEvidence {
  /** Its signature was checked by the caller. */
  readonly plan: JobPlan;
  readonly stage: number;
  readonly coordinatorPublicKey: string;
  /** Of the plan's model. */
  readonly table: CalibrationTable;
  /** All of them, in order, as the receipts have them. */
  readonly units: readonly CommittedUnit[];
  /** Root that the worker signed; null when none holds. */
  readonly root: string | null;
}

/** A stage's units [0, units) with their leaves, ready to be judged by rows. */
export interface AuditedStage {
  readonly stage: StageUnderAudit;
  readonly units: readonly { readonly unit: CommittedUnit; readonly leaf: LeafUnderAudit | undefined }[];
}

/** The boundary whose cells a stage commits to: the layer it ends before, or the final norm's on the last stage (SPEC C1). */
export function boundaryOf(plan: JobPlan, stage: number): number {
  const end = plan.stages[stage]?.layers[1] ?? 0;
  return stage === plan.stages.length - 1 ? end + 1 : end;
}

/** Puts a stage's evidence together; undefined, with a problem noted, when its units or its tree are not in order. */
export function stageUnderAudit(problems: Problems, evidence: StageEvidence, units: number): AuditedStage | undefined {
  const { plan, stage, table, root } = evidence;
  const planned = plan.stages[stage];
  const boundary = boundaryOf(plan, stage);
  const boundaries = table.exponents.length / table.hidden;
  const first = evidence.units[0]?.unit ?? 0;
  const inOrder = evidence.units.every((unit, index) => unit.unit === first + index && liesOnGrid(unit));
  if (!problems.demand(inOrder, 'units', 'units in order, each within its 16 positions', 'something else', 'units of the stage')) return undefined;
  if (planned === undefined || !problems.demand(boundary < boundaries, 'stage', `a boundary below ${boundaries}`, boundary, 'calibration table of the model')) return undefined;
  const context = { network: plan.network, worker: planned.worker, job: plan.job, planHash: planHashOf(plan), stage, modelId: plan.modelId, precision: plan.precision };
  const leaves = evidence.units.map((unit) => (unit.salt === null ? '' : leafHash(context, { ...unit, linkHash: '' }, unit.salt)));
  const under = root === null ? undefined : provenLeaves(root, leaves);
  problems.demand(under !== undefined, 'root', root ?? 'a signed root', 'another', 'root over the leaves of all units');
  return {
    stage: { table, boundary, last: stage === plan.stages.length - 1 },
    units: evidence.units.slice(0, units).map((unit, index) => ({ unit, leaf: under === undefined || unit.salt === null ? undefined : { context, salt: unit.salt, index, under } })),
  };
}
