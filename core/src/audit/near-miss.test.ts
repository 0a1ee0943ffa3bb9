import { expect, it } from 'vitest';
import { AUDITS_A_YEAR, isSuspect, suspicionAfter, suspicionLimit, suspicionStep } from './near-miss.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`near-miss: seed ${seed}`);

/** Park and Miller's generator: even over (0, 1), and quick. */
function randomFrom(start: number): () => number {
  let state = (start % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

it.each([
  [0, -0.5],
  [0.1, -0.5],
  [0.5, 0],
  [1, Math.log(2)],
  [2, Math.log(4)],
  [100, 3],
])('A9: a worst element of %d tau speaks by %d nats', (worst, nats) => {
  expect(suspicionStep(worst)).toBeCloseTo(nats, 12);
});

it('A9: suspicion never falls below nothing, so no credit is saved up', () => {
  expect(suspicionAfter(0.2, 0)).toBe(0);
  expect(suspicionAfter(0, 0)).toBe(0);
  expect(suspicionAfter(1, 0)).toBe(0.5);
});

it('A9: the limit for one audit every ten minutes is 24.7 nats', () => {
  expect(suspicionLimit()).toBeCloseTo(Math.log(52_560 / 1e-6), 9);
  expect(suspicionLimit()).toBeCloseTo(24.7, 1);
  expect(isSuspect(24.6)).toBe(false);
  expect(isSuspect(24.8)).toBe(true);
});

it('A9: a worker that lives at 1.9 tau is audited in full after 19 audits, one at a quarter of tau never', () => {
  let [steering, honest, audits] = [0, 0, 0];
  while (!isSuspect(steering)) {
    steering = suspicionAfter(steering, 1.9);
    audits++;
  }
  for (let audit = 0; audit < AUDITS_A_YEAR; audit++) honest = suspicionAfter(honest, 0.25);
  expect(audits).toBe(19);
  expect(honest).toBe(0);
});

it('A9: where E[e^step] is 1, the most that the bound allows, false alarms stay under N e^-limit (seeded)', () => {
  // The worst law there is for it: 2 tau, the most that passes, or nothing, so often that the mean of e^step is just 1.
  const least = Math.exp(-0.5);
  const often = (1 - least) / (4 - least);
  const [runs, audits, allowed] = [2_000, 1_000, 0.05];
  const limit = Math.log(audits / allowed);
  const random = randomFrom(seed);
  let alarms = 0;
  for (let run = 0; run < runs; run++) {
    let suspicion = 0;
    for (let audit = 0; audit < audits; audit++) {
      suspicion = suspicionAfter(suspicion, random() < often ? 2 : 0);
      if (suspicion > limit) {
        alarms++;
        break;
      }
    }
  }
  console.info(`near-miss: ${alarms} false alarms in ${runs} years of ${audits} audits; the bound allows ${runs * allowed}`);
  // The bound is on the probability: three standard deviations of chance above it.
  expect(alarms).toBeLessThan(runs * allowed + 3 * Math.sqrt(runs * allowed));
});
