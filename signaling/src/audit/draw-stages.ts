import { beaconOf } from '@ciro/core/audit/audit-draw.ts';
import { isSuspect } from '@ciro/core/audit/near-miss.ts';
import { stageDraw } from '@ciro/core/audit/stage-draw.ts';
import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { FullReason } from '@ciro/core/audit/stage-draw.ts';
import type { AuditDraw } from '@ciro/core/audit/transcript.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { Standing } from './ports.ts';
import type { Revealed } from './reveal.ts';

export interface DrawInput {
  readonly record: JobRecord;
  readonly rootsHash: HexHash;
  readonly revealed: Revealed;
  readonly assurance: 'stream' | 'checked';
  /** One a stage, as they were before the beacon was known. */
  readonly standings: readonly Standing[];
  readonly stakes: readonly Stake[];
  readonly rateOf: (passed: number, stake: Stake) => number;
}

/** Of a stage that nothing is known of. */
const NOTHING: Stake = { credit: 0n, bond: 0n };

/** The draw of a job (SPEC A2): everything in it follows from the plan, the roots, the opened nonces and the workers' records. */
export function drawStages({ record, rootsHash, revealed, assurance, standings, stakes, rateOf }: DrawInput): AuditDraw {
  const { planHash, coordinatorNonce: coordinator, stages } = record;
  const { requester, workers } = revealed;
  const beacon = beaconOf({ planHash, rootsHash, coordinator, requester, workers: workers.map((opened) => opened?.nonce ?? null) });
  const full = (stage: number): FullReason | null => {
    if (assurance === 'checked') return 'checked';
    if (isParty(record, stage)) return 'disagreement';
    if (workers[stage] === null) return 'unrevealed';
    return isSuspect(standings[stage]?.suspicion ?? 0) ? 'suspicion' : null;
  };
  return {
    roots: stages.map(({ root }) => root?.root ?? null),
    ...{ rootsHash, coordinator, requester, workers, beacon },
    stages: stages.map(({ units }, stage) => stageDraw(beacon, stage, { units: units.length, rate: rateOf(standings[stage]?.passed ?? 0, stakes[stage] ?? NOTHING), full: full(stage) })),
  };
}

/** Accused or accuser: who of them is right is not known. */
function isParty({ disagreements, stages }: JobRecord, stage: number): boolean {
  return disagreements.some((each) => each.stage === stage || (each.stage + 1) % stages.length === stage);
}
