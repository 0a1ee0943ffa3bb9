/** Whether cheating pays, whether auditors can be bought, and how often the count of near misses rings for nothing. */
import { RECHECK_RATE } from '@ciro/core/audit/audit-draw.ts';
import { auditRate, deterrenceMargin, jobAuditRate } from '@ciro/core/audit/audit-rate.ts';
import { boughtMajority } from '@ciro/core/audit/collusion.ts';
import { AUDITS_A_YEAR, FALSE_ALARMS_A_YEAR, suspicionAfter, suspicionLimit, suspicionStep } from '@ciro/core/audit/near-miss.ts';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import { mostRate } from './attacks/caught-rate.ts';
import { FIXED_RATE } from './costs-share.ts';
import type { DeterrenceAssumptions, Stake } from '@ciro/core/audit/audit-rate.ts';
import type { Part, PartContext, PartReport } from './part.ts';

type EconomicsRow = { readonly part: 'economics'; readonly what: string; readonly of: string; readonly value: number; readonly unit: string; readonly note: string };

/** Everything random here. */
export const ECONOMICS_SEED = 20_251_128;
/** The bar holds at every number of stage-jobs passed from 1 to this. */
const MOST_PASSED = 1_000;

export const economicsPart: Part = { name: 'economics', bars: ['deterrence_margin'], run: (context) => Promise.resolve(runEconomics(context)) };

/** All by calculation, but for the simulated years of audits. */
export function runEconomics({ share }: PartContext): PartReport {
  const least = leastMargin();
  return {
    seeds: [ECONOMICS_SEED],
    rows: [...marginRows(), ...collusionRows(), ...nearMissRows(Math.max(10, Math.ceil(1_000 / share)))],
    values: { deterrence_margin: least.margin },
  };
}

const economicsRow = (what: string, of: string, value: number, unit: string, note = ''): EconomicsRow => ({ part: 'economics', what, of, value, unit, note });

/** The least margin over all n, and where it is. `rate`: another rate than the adaptive one, to which a margin is proportional. */
function leastMargin(assumptions: Partial<DeterrenceAssumptions> = {}, rate: (passed: number) => number = auditRate): { readonly n: number; readonly margin: number } {
  let least = { n: 0, margin: Infinity };
  for (let n = 1; n <= MOST_PASSED; n++) {
    const margin = (deterrenceMargin(n, assumptions) * rate(n)) / auditRate(n);
    if (margin < least.margin) least = { n, margin };
  }
  return least;
}

function marginRows(): EconomicsRow[] {
  const lines: readonly (readonly [string, Partial<DeterrenceAssumptions>, ((passed: number) => number)?])[] = [
    ['adaptive rate, cheating is free and honest work brings nothing', {}],
    ['one cheated unit in a hundred goes unseen', { power: 0.99 }],
    ["a tenth of all auditors are the cheat's", { power: 0.9 }],
    ['a new key costs nothing, or the cheat never comes back', { reentry: 0 }],
    ['fixed rate of 20 %', {}, () => FIXED_RATE],
    ['fixed rate of 20 %, a new key costs nothing', { reentry: 0 }, () => FIXED_RATE],
  ];
  return [
    ...lines.map(([name, assumptions, rate]) => {
      const { n, margin } = leastMargin(assumptions, rate);
      return economicsRow('least deterrence margin', name, margin, 'times what cheating gains', `at n = ${n}, of 1 to ${MOST_PASSED}`);
    }),
    ...LARGE_JOBS.map((times) => economicsRow('deterrence margin', `a full bond of small jobs, spent on one ${times} times as large`, largeJobMargin(times), 'times what cheating gains', `its own rate is ${jobAuditRate(MOST_PASSED, largeJob(times)).toPrecision(2)}`)),
  ];
}

const LARGE_JOBS = [10, 100, 1_000] as const;
/** The bond of 200 stage-jobs that brought 1,000 each, and a job that brings `times` as much. */
const largeJob = (times: number): Stake => ({ credit: 1_000n * BigInt(times), bond: 100_000n });

function largeJobMargin(times: number): number {
  const stake = largeJob(times);
  return (jobAuditRate(MOST_PASSED, stake) * Number(stake.credit + stake.bond)) / Number(stake.credit);
}

function collusionRows(): EconomicsRow[] {
  const quorums = [[1, 1], [2, 2], [3, 2], [5, 3], [9, 5]] as const;
  const shares = [0.05, 0.1, 0.2, 0.33] as const;
  return quorums.flatMap(([arbiters, quorum]) =>
    shares.map((bought) =>
      economicsRow('bought majority', `k = ${arbiters}, q = ${quorum}, b = ${bought}`, boughtMajority(arbiters, quorum, bought), 'of draws', arbiters === 1 ? `passing a cheat takes the one auditor that was drawn, and that the reference run does not check it (${100 * RECHECK_RATE} %)` : arbiters === 2 ? 'both auditors; to convict, the reference run must agree as well' : ''),
    ),
  );
}

/** A worst distance that adds ln 2 to the suspicion, and one that takes the most away. */
const [NEAR, FAR] = [1, 0.2] as const;

/** Honest workers just inside the assumption of the bound, E[e^step] = 1, and cheats who live off the tolerance. */
function nearMissRows(years: number): EconomicsRow[] {
  const limit = suspicionLimit();
  const [up, down] = [Math.exp(suspicionStep(NEAR)), Math.exp(suspicionStep(FAR))];
  const often = (1 - down) / (up - down);
  const { uniform } = seededNumbers(ECONOMICS_SEED, 'near misses');
  let [alarms, highest] = [0, 0];
  for (let year = 0; year < years; year++) {
    let suspicion = 0;
    let rang = false;
    for (let audit = 0; audit < AUDITS_A_YEAR; audit++) {
      suspicion = suspicionAfter(suspicion, uniform() < often ? NEAR : FAR);
      highest = Math.max(highest, suspicion);
      rang ||= suspicion > limit;
    }
    if (rang) alarms++;
  }
  const audits = (worstOfTau: number): number => Math.ceil(limit / suspicionStep(worstOfTau));
  return [
    economicsRow('near misses: limit', `${AUDITS_A_YEAR} audits a year`, limit, 'nats'),
    economicsRow('near misses: false alarms, proven bound', 'a worker and year', FALSE_ALARMS_A_YEAR, 'of years', 'wherever E[e^step] ≤ 1'),
    economicsRow('near misses: false alarms, simulated', 'honest workers at E[e^step] = 1', alarms / years, 'of years', `${alarms} of ${years} years, at most ${mostRate(alarms, years).toPrecision(2)} at 95 %; highest ${highest.toFixed(1)} nats`),
    economicsRow('near misses: audits until suspected', 'a push of 2 tau in every audit', audits(2), 'audits'),
    economicsRow('near misses: audits until suspected', 'a push of 1 tau in every audit', audits(1), 'audits'),
  ];
}
