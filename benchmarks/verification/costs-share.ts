import { AUDIT_DRAW, auditDraw, cutOf, isRechecked } from '@ciro/core/audit/audit-draw.ts';
import { jobAuditRate, withheldShare } from '@ciro/core/audit/audit-rate.ts';
import { domainHash } from '@ciro/core/canonical-json.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { StageTimes } from './costs-time.ts';

/** Everything random in the simulated jobs. */
export const SHARE_SEED = 20_251_127;

/** Workers who all begin at nothing; counted are `jobs` stage-jobs of each from its `from`-th on. */
export interface Population {
  readonly from: number;
  readonly jobs: number;
  readonly workers: number;
  /** The rate at which a stage-job is audited, by the worker's record and what it has at stake. */
  readonly rate: (passed: number, stake: Stake) => number;
}

/** Adaptive, as the protocol has it. */
export const ADAPTIVE = jobAuditRate;
/** What the network began with, whoever the worker is. */
export const FIXED_RATE = 0.2;

export interface AuditShare {
  readonly stageJobs: number;
  readonly audits: number;
  /** Auditors' compute over all compute, work and audits together; the reference run's checks of auditors count as theirs. */
  readonly share: number;
}

/** Prompts and answers of the jobs, in positions: evenly from the least to the most. */
const PROMPT_POSITIONS = [16, 400] as const;
const ANSWER_POSITIONS = [16, 400] as const;

/** Draws every stage-job of a population by core's own draw and cut, and adds up what work and audits take in measured milliseconds. */
export function auditShare({ from, jobs, workers, rate }: Population, { prefillMs, decodeMs }: StageTimes): AuditShare {
  const { below } = seededNumbers(SHARE_SEED, `${from} ${jobs}`);
  const between = ([least, most]: readonly [number, number]): number => least + below(most - least + 1);
  let [work, audit, audits] = [0, 0, 0];
  for (let worker = 0; worker < workers; worker++) {
    let bond = 0n;
    for (let passed = 0; passed < from + jobs; passed++) {
      const [prompt, answer] = [between(PROMPT_POSITIONS), between(ANSWER_POSITIONS)];
      const positions = prompt + answer - 1;
      const units = Math.ceil(positions / UNIT_POSITIONS);
      // A generated position is paid as four of the prompt.
      const stake = { credit: BigInt(prompt + 4 * answer), bond };
      bond += (stake.credit * withheldShare(passed, stake)) / 10_000n;
      if (passed < from) continue;
      work += prompt * prefillMs + (answer - 1) * decodeMs;
      const beacon = domainHash('ciro/beacon/1', { seed: SHARE_SEED, worker, passed }) as HexHash;
      const own = rate(passed, stake);
      if (own < 1 && auditDraw(beacon, 0, AUDIT_DRAW) >= own) continue;
      audits++;
      const cut = own >= 1 ? units : cutOf(beacon, 0, units);
      audit += Math.min(positions, cut * UNIT_POSITIONS) * prefillMs * (isRechecked(beacon, 0) ? 2 : 1);
    }
  }
  return { stageJobs: workers * jobs, audits, share: audit / (work + audit) };
}
