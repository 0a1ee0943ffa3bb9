import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { auditedPlan, draw as drawOf, verifySignature } from './audited-stage.fixture.ts';
import { checkDraw } from './check-draw.ts';
import { AuditDraw } from './transcript.ts';

const SEED = 20_267;
const plan = auditedPlan();
const roots = ['0xabc', '0x123'];
const context = { plan, roots, units: [3, 3] };
const first = async (draw: AuditDraw, given: Parameters<typeof checkDraw>[1] = context): Promise<string | undefined> => (await checkDraw(draw, given, verifySignature))[0]?.at;

it('A2: a draw that follows from plan, roots and nonces is found to', async () => {
  const draws = [drawOf(plan, roots), drawOf(plan, roots, { rates: [0.02, 0.5] }), drawOf(plan, roots, { silent: ['last'] }), drawOf(plan, roots, { silent: ['requester'] }), drawOf(plan, roots, { checked: true })];
  for (const draw of draws) {
    expect(v.is(AuditDraw, draw)).toBe(true);
    expect(await checkDraw(draw, context, verifySignature)).toEqual([]);
  }
  expect(draws[2]?.stages[1]).toMatchObject({ reason: 'unrevealed', units: 3, rate: 1 });
});

it('A1: a nonce that is not the one in the plan is named, whoever\'s it is', async () => {
  const draw = drawOf(plan, roots);
  const nonce = 'f'.repeat(64);
  expect(await first({ ...draw, coordinator: nonce })).toBe('coordinator');
  expect(await first({ ...draw, requester: nonce })).toBe('requester');
  expect(await first({ ...draw, workers: [draw.workers[0] ?? null, { nonce, signature: draw.workers[1]?.signature ?? '' }] })).toBe('workers[1].nonce');
  const [stageA, stageB] = plan.stages;
  const none = auditedPlan({ stages: [stageA, { ...stageB, nonce: null }] as typeof plan.stages, nonces: { ...plan.nonces, requester: null } });
  expect(await first(drawOf(none, roots), { ...context, plan: none })).toBe('requester');
});

it('A2: roots that are not those of the evidence, or not those that workers signed, are named', async () => {
  const draw = drawOf(plan, roots);
  expect(await first(draw, { ...context, roots: ['0xabc', '0x124'] })).toBe('roots[1]');
  expect(await first({ ...draw, roots: ['0xabd', '0x123'] }, { plan, units: [3, 3] })).toBe('rootsHash');
  // A coordinator that changed a root after the nonces were opened, and made everything again but the signatures.
  const forged = drawOf(plan, ['0xabd', '0x123']);
  expect(await first({ ...forged, workers: draw.workers }, { plan, units: [3, 3] })).toBe('workers[0].signature');
});

it('A2: another beacon, draw, rate, cut or reason is named', async () => {
  const draw = drawOf(plan, roots, { rates: [0.02, 1] });
  const change = (index: number, by: Partial<AuditDraw['stages'][number]>) => ({ ...draw, stages: draw.stages.map((stage, at) => (at === index ? { ...stage, ...by } : stage)) });
  expect(draw.stages[0]).toMatchObject({ reason: null, units: 0 });
  expect(await first({ ...draw, beacon: draw.rootsHash })).toBe('beacon');
  expect(await first(change(0, { draw: 0.001 }))).toBe('stages[0].draw');
  expect(await first(change(0, { rate: 0.999_999 }))).toBe('stages[0].reason');
  expect(await first(change(0, { units: 2 }))).toBe('stages[0].units');
  expect(await first(change(1, { units: 2 }))).toBe('stages[1].units');
  expect(await first(change(1, { reason: null, units: 0 }))).toBe('stages[1].reason');
  expect(await first(change(1, { rate: 0.5 }))).toBe('stages[1].rate');
  expect(await first(change(1, { reason: 'unrevealed' }))).toBe('stages[1].reason');
});

it('A2: who did not open its nonce is not passed by, however the draw fell', async () => {
  const draw = drawOf(plan, roots, { silent: ['last'] });
  const passedBy = { ...draw, stages: draw.stages.map((stage, index) => (index === 1 ? { ...stage, rate: 0.02, reason: null, units: 0 } : stage)) };
  expect(await first(passedBy)).toBe('stages[1].reason');
});

it('A2: lists of another length than the plan\'s are refused before anything is made of them', async () => {
  const draw = drawOf(plan, roots);
  expect(await first({ ...draw, roots: ['0xabc'] })).toBe('roots.length');
  expect(await first({ ...draw, workers: [null] })).toBe('workers.length');
  expect(await first({ ...draw, stages: [] })).toBe('stages.length');
  expect(await first(draw, { ...context, units: [3] })).toBe('units.length');
});

it('A2: a stage without units is not audited', async () => {
  const draw = drawOf(plan, roots, { rates: [0.02, 0.02] });
  const stages = draw.stages.map((stage) => ({ ...stage, units: 0, reason: null }));
  expect(await checkDraw({ ...draw, stages }, { ...context, units: [0, 0] }, verifySignature)).toEqual([]);
  expect(await first(draw.stages[0]?.units === 0 ? { ...draw, stages: stages.map((stage) => ({ ...stage, units: 1 })) } : draw, { ...context, units: [0, 0] })).toBe('stages[0].units');
});

it(`A2: any one digit of a draw that was changed is found, without a throw (seed ${SEED})`, async () => {
  const draw = drawOf(plan, roots);
  const text = JSON.stringify(draw);
  // Digits of hex texts only: what is left of a number may be the same number.
  const places = [...text.matchAll(/"(?:0x)?[0-9a-f]{3,}"/g)].flatMap(({ 0: whole, index }) => Array.from({ length: whole.length - 2 }, (_, at) => index + 1 + at)).filter((at) => text[at] !== 'x' && text[at + 1] !== 'x');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.constantFrom(...'0123456789abcdef'), async (at, digit) => {
      fc.pre(text[at] !== digit);
      const changed = v.safeParse(AuditDraw, JSON.parse(text.slice(0, at) + digit + text.slice(at + 1)));
      if (changed.success) expect(await first(changed.output)).toBeDefined();
    }),
    { seed: SEED, numRuns: 400 },
  );
});
