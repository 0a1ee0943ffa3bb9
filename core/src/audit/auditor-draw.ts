import { auditDraw, FIRST_AUDITOR_DRAW } from './audit-draw.ts';
import type { HexHash, NodeId } from '../ids.ts';

/** Someone who could audit. */
export interface AuditorCandidate {
  readonly worker: NodeId;
  /** From `auditorWeight`. */
  readonly weight: number;
}

/** Days after which a key weighs no more: a month is long for an attacker to wait, and newcomers are still drawn (SPEC A3). */
export const MAX_WEIGHT_DAYS = 30;
const DAY_MS = 86_400_000;

/** 1 + whole days since the node was first seen, at most 31 (SPEC A3). Both times in epoch milliseconds. */
export function auditorWeight(firstSeenMs: number, nowMs: number): number {
  return 1 + Math.min(MAX_WEIGHT_DAYS, Math.max(0, Math.floor((nowMs - firstSeenMs) / DAY_MS)));
}

/**
 * The auditor that draw `k` (2, 3, …) of a stage gives, or undefined when none is left (SPEC A3). The candidates may come in any
 * order: they are laid out by node id. `excluded`: who was drawn before, and who may not audit this stage.
 */
export function drawAuditor(candidates: readonly AuditorCandidate[], beacon: HexHash, stage: number, k: number, excluded: Iterable<NodeId>): NodeId | undefined {
  const left = laidOut(candidates, excluded);
  return left[indexAt(left, auditDraw(beacon, stage, k))]?.worker;
}

/** Every candidate in the order in which draws 2, 3, … without replacement give them: the first who accepts is the auditor. */
export function auditorOrder(candidates: readonly AuditorCandidate[], beacon: HexHash, stage: number, excluded: Iterable<NodeId> = []): NodeId[] {
  const left = laidOut(candidates, excluded);
  const order: NodeId[] = [];
  for (let k = FIRST_AUDITOR_DRAW; left.length > 0; k++) {
    for (const { worker } of left.splice(indexAt(left, auditDraw(beacon, stage, k)), 1)) order.push(worker);
  }
  return order;
}

/** Who can be drawn, by node id. */
function laidOut(candidates: readonly AuditorCandidate[], excluded: Iterable<NodeId>): AuditorCandidate[] {
  const out = new Set(excluded);
  return candidates.filter(({ worker, weight }) => !out.has(worker) && weight > 0 && Number.isFinite(weight)).sort((a, b) => (a.worker < b.worker ? -1 : 1));
}

/** Where the `fraction` of all weight is reached; the last one when rounding leaves it beyond all. */
function indexAt(left: readonly AuditorCandidate[], fraction: number): number {
  const target = fraction * left.reduce((total, { weight }) => total + weight, 0);
  let reached = 0;
  const index = left.findIndex(({ weight }) => target < (reached += weight));
  return index < 0 ? left.length - 1 : index;
}
