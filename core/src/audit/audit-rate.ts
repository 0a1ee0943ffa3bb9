/** However long its record, a worker has one stage-job in 50 looked at (PROTOCOL 6). */
export const MIN_AUDIT_RATE = 0.02;
/** n stage-jobs passed: audited at 4 / n. So the first four are audited in full, and 200 lead to the lowest rate. */
const NEWCOMER_AUDITS = 4;
/** Stage-jobs of which half the credit is kept back (SPEC M7): where 4 / n meets the lowest rate. */
export const PROBATION_JOBS = 200;
/** Half, in basis points. */
export const PROBATION_WITHHELD_BASIS_POINTS = 5_000n;

/** What a cheat has to lose for every credit it can gain, at least (issue bar: 2 at every n). */
export const DETERRENCE = 2;

/** Share of stage-jobs that are audited after `passed` of them passed (SPEC A2); 1 for a worker without any. */
export function auditRate(passed: number): number {
  return passed <= NEWCOMER_AUDITS ? 1 : Math.max(MIN_AUDIT_RATE, NEWCOMER_AUDITS / passed);
}

/** What a worker earns by a stage-job, and what is withheld of it so far: its bond. Base units. */
export interface Stake {
  readonly credit: bigint;
  readonly bond: bigint;
}

/**
 * Rate of one stage-job (SPEC A2): by the record, and never so low that this credit is worth the bond: rate × (credit + bond) is at
 * least twice the credit. For jobs of one size that is what the record gives anyway; it stops a long record of small jobs from
 * being spent on a large one.
 */
export function jobAuditRate(passed: number, { credit, bond }: Stake): number {
  if (credit <= 0n) return auditRate(passed);
  return Math.min(1, Math.max(auditRate(passed), (DETERRENCE * Number(credit)) / Number(credit + bond)));
}

/** Part of a credit that is kept back when it becomes payable, in basis points (SPEC M7): half of it until the bond is enough for the lowest rate. */
export function withheldShare(passed: number, { credit, bond }: Stake): 0n | 5_000n {
  return passed < PROBATION_JOBS || bond < credit * FULL_BOND_CREDITS ? PROBATION_WITHHELD_BASIS_POINTS : 0n;
}

/** Credits that a full bond holds: with that much to lose, the lowest rate gives `DETERRENCE`. */
const FULL_BOND_CREDITS = BigInt(DETERRENCE / MIN_AUDIT_RATE) - 1n;

/** What a margin rests on, in rewards of one stage-job (R = 1). */
export interface DeterrenceAssumptions {
  /** What one cheated stage-job gains: all of its reward when cheating costs nothing and honest work costs all it brings. */
  readonly gain: number;
  /** Probability that an audit that reaches a cheated unit finds it. The bench's bar is 0.99 a unit, and a job has several. */
  readonly power: number;
  /** What coming back under a new key costs: its device has to be qualified, unpaid, which is about a stage-job's work. 0 for a worker that does not come back. */
  readonly reentry: number;
}

const WORST_CASE: DeterrenceAssumptions = { gain: 1, power: 1, reentry: 1 };

/**
 * How many times over a cheat loses what it can gain: rate × power × (R + S) / gain, after `passed` stage-jobs of one size (the rule
 * of design: p d (S + R) / (c - c' + B), PROTOCOL 6). Above 1 cheating does not pay; the bar is 2 at every n from 1 to 1,000.
 *
 * Gained: the reward R of the job, for no work. Lost when caught: that reward (the credit is void), and S: the bond, which is half
 * the rewards of the first 200 stage-jobs and stays withheld as long as the worker works, and the cost of coming back.
 *
 * Cheating on the last part g of a job only changes nothing: cuts are even over the units, so an audit reaches the part with
 * probability g, and its gain is g R. Any other part is reached more often.
 */
export function deterrenceMargin(passed: number, assumptions: Partial<DeterrenceAssumptions> = {}): number {
  const { gain, power, reentry } = { ...WORST_CASE, ...assumptions };
  const bond = Math.min(passed, PROBATION_JOBS) / 2;
  return (auditRate(passed) * power * (1 + bond + reentry)) / gain;
}
