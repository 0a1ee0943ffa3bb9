import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { planHashOf } from '../job/plan.ts';
import { auditorOrder } from './auditor-draw.ts';
import { auditedPlan, committedStage, draw as drawOf, keyOf, nodeOf, opinion, signatureOf, stageEvidence, verifySignature } from './audited-stage.fixture.ts';
import { blindBytes, blindCommitment } from './blind.ts';
import { checkTranscript } from './check-transcript.ts';
import { outcomeOf } from './quorum.ts';
import { Transcript } from './transcript.ts';
import type { AuditProblem } from './problem.ts';
import type { StageEvidence } from './stage-evidence.ts';
import type { AuditDraw, Opinion } from './transcript.ts';

const SEED = 20_268;
const plan = auditedPlan();
const CHANNELS = 8;

interface Case {
  readonly transcript: Transcript;
  readonly evidence: StageEvidence;
  readonly pieces: Map<string, Uint8Array>;
  readonly draw: AuditDraw;
}

/** A stage that was audited; `tamper` changes the worker's rows, `opinions` says who gave one. */
function setup(options: { stage?: number; tamper?: (rows: Float32Array) => void; auditors?: readonly ('first' | 'second' | 'reference')[] } = {}): Case {
  const { stage = 1, tamper, auditors = ['first'] } = options;
  const honest = committedStage(plan, stage);
  const committed = committedStage(plan, stage, tamper);
  const other = committedStage(plan, 1 - stage);
  const roots = stage === 0 ? [committed.root, other.root] : [other.root, committed.root];
  const draw = drawOf(plan, roots);
  const candidates = ['ada', 'bob', 'eve'].map((name) => ({ worker: nodeOf(name), weight: 5 })).sort((a, b) => (a.worker < b.worker ? -1 : 1));
  const base: Transcript = {
    format: 1, network: plan.network, job: plan.job, planHash: planHashOf(plan), stage, worker: plan.stages[stage]?.worker ?? nodeOf(''), reason: 'newcomer',
    beacon: draw.beacon, units: 3, candidates, opinions: [], outcome: 'unpaid', note: '', decidedAt: 1_000,
  };
  const order = auditorOrder(candidates, draw.beacon, stage);
  const pieces = new Map<string, Uint8Array>();
  const opinions = auditors.map((who) => {
    const auditor = who === 'reference' ? 'coordinator' : (order[who === 'first' ? 0 : 1] ?? nodeOf(''));
    const rows = honest.rows.map((value) => value * (who === 'second' ? 1 + 2 ** -22 : 1));
    return opinion(base, committed, rows, { auditor, name: who === 'reference' ? 'coordinator' : who, plan, pieces });
  });
  const outcome = outcomeOf(opinions);
  return { transcript: { ...base, opinions, outcome: outcome === 'undecided' ? 'unpaid' : outcome }, evidence: stageEvidence(plan, stage, committed), pieces, draw };
}

const check = (given: Case, transcript: unknown = given.transcript, evidence: StageEvidence = given.evidence) => checkTranscript(transcript, evidence, { verifySignature, pieces: given.pieces, draw: given.draw });
const first = async (given: Case, transcript: unknown = given.transcript, evidence: StageEvidence = given.evidence): Promise<AuditProblem | undefined> => (await check(given, transcript, evidence)).problems[0];

const nudge = (rows: Float32Array): void => {
  rows[20 * CHANNELS + 3] = (rows[20 * CHANNELS + 3] ?? 0) + 40;
};

it('A4, A5: a transcript of an honest stage is made again from its pieces, on first and last stages', async () => {
  for (const stage of [0, 1]) {
    const given = setup({ stage });
    expect(v.is(Transcript, given.transcript)).toBe(true);
    expect(given.transcript.outcome).toBe('passed');
    expect(await check(given)).toEqual({ problems: [], unchecked: [] });
  }
});

it('A8: a conviction is made again, with the first wrong element of every opinion', async () => {
  const given = setup({ tamper: nudge, auditors: ['first', 'second', 'reference'] });
  expect(given.transcript.outcome).toBe('failed');
  for (const { verdict } of given.transcript.opinions) expect(verdict).toMatchObject({ passed: false, first: { unit: 1, position: 20, channel: 3, code: 'cells' } });
  expect(await check(given)).toEqual({ problems: [], unchecked: [] });
});

it('A8: an outcome that its opinions do not have is found', async () => {
  const passed = setup();
  expect(await first(passed, { ...passed.transcript, outcome: 'failed' })).toMatchObject({ at: 'outcome', expected: 'passed', got: 'failed' });
  const unpaid = setup({ tamper: nudge });
  expect(unpaid.transcript.outcome).toBe('unpaid');
  expect(await first(unpaid, { ...unpaid.transcript, outcome: 'failed' })).toMatchObject({ at: 'outcome', expected: 'unpaid' });
  expect(await first(unpaid, { ...unpaid.transcript, opinions: [], outcome: 'passed' })).toMatchObject({ at: 'outcome', expected: 'unpaid' });
});

/** The case with one opinion changed. */
const withOpinion = ({ transcript }: Case, change: Partial<Opinion>): Transcript => ({ ...transcript, opinions: transcript.opinions.map((each, index) => (index === 0 ? { ...each, ...change } : each)) });

/** An opinion that was opened and signed anew by the auditor, after a change. */
function reopened(given: Case, change: Partial<Opinion>): Transcript {
  const { network, job, planHash, stage, opinions } = given.transcript;
  const each = { ...(opinions[0] as Opinion), ...change };
  const commitment = blindCommitment({ network, audit: each.audit, job, planHash, stage, auditor: each.auditor, salt: each.salt, rows: each.rows });
  return withOpinion(given, { ...each, commitment, signature: signatureOf(each.devicePublicKey, blindBytes(commitment)) });
}

it('A5: a worker that signed another input than it was given is convicted by what it was given', async () => {
  const given = setup();
  const other = new Uint8Array(64).fill(9);
  const givenHash = toHex(sha256(other));
  given.pieces.set(givenHash, other);
  const evidence = { ...given.evidence, units: given.evidence.units.map((unit, index) => (index === 1 ? { ...unit, givenHash } : unit)) };
  expect(await first(given, given.transcript, evidence)).toMatchObject({ at: 'opinions[0].verdict.passed', expected: 'false' });
  const verdict = { ...given.transcript.opinions[0]?.verdict, passed: false, first: { unit: 1, code: 'input-hash', got: evidence.units[1]?.inputHash, expected: givenHash } } as Opinion['verdict'];
  expect(await check(given, { ...withOpinion(given, { verdict }), outcome: 'unpaid' }, evidence)).toEqual({ problems: [], unchecked: [] });
});

it('A4: an opening that does not give the commitment, and a commitment that nobody signed, are found', async () => {
  const given = setup();
  const rows = given.transcript.opinions[0]?.rows ?? [];
  expect(await first(given, withOpinion(given, { salt: 'e'.repeat(32) }))).toMatchObject({ at: 'opinions[0].commitment' });
  expect(await first(given, withOpinion(given, { rows: rows.toReversed() }))).toMatchObject({ at: 'opinions[0].commitment' });
  expect(await first(given, withOpinion(given, { signature: 'a'.repeat(128) }))).toMatchObject({ at: 'opinions[0].signature' });
  expect(await first(given, withOpinion(given, { devicePublicKey: keyOf('somebody') }))).toMatchObject({ at: 'opinions[0].signature' });
});

it('A5: a verdict that the pieces do not give is found, down to its figures', async () => {
  const honest = setup();
  const verdict = honest.transcript.opinions[0]?.verdict as Opinion['verdict'];
  expect(await first(honest, withOpinion(honest, { verdict: { ...verdict, worstOfTau: 0.5 } }))).toMatchObject({ at: 'opinions[0].verdict.worstOfTau' });
  expect(await first(honest, withOpinion(honest, { verdict: { ...verdict, meanOfTau: 0.5 } }))).toMatchObject({ at: 'opinions[0].verdict.meanOfTau' });
  // A bribed auditor fails an honest stage…
  expect(await first(honest, withOpinion(honest, { verdict: { ...verdict, passed: false, first: { unit: 0, code: 'cells' } } }))).toMatchObject({ at: 'opinions[0].verdict.passed', expected: 'true', got: 'false' });
  // …or passes a cheat.
  const cheat = setup({ tamper: nudge });
  expect(await first(cheat, withOpinion(cheat, { verdict }))).toMatchObject({ at: 'opinions[0].verdict.passed', expected: 'false', got: 'true' });
  const failing = cheat.transcript.opinions[0]?.verdict as Opinion['verdict'];
  expect(await first(cheat, withOpinion(cheat, { verdict: { ...failing, first: { ...failing.first, unit: 1, code: 'cells', channel: 4 } } }))).toMatchObject({ at: 'opinions[0].verdict.first.channel', expected: '3', got: '4' });
});

it('A4: rows that are not what they are called, or of another shape, are found', async () => {
  const given = setup();
  const [name = ''] = given.transcript.opinions[0]?.rows ?? [];
  const damaged = { ...given, pieces: new Map(given.pieces) };
  damaged.pieces.set(name, new Uint8Array(16 * CHANNELS * 4));
  expect(await first(damaged)).toMatchObject({ at: 'opinions[0].rows[0]', expected: name });
  const rows = given.transcript.opinions[0]?.rows ?? [];
  expect(await first(given, reopened(given, { rows: [rows[2] as never, ...rows.slice(1)] }))).toMatchObject({ at: 'opinions[0].rows[0]', expected: '16 rows of 8 channels', got: '256 bytes' });
  expect(await first(given, reopened(given, { rows: rows.slice(0, 2) }))).toMatchObject({ at: 'opinions[0].rows.length' });
});

it('A5: pieces that are gone leave the verdict unchecked, and say so', async () => {
  const given = setup();
  for (const gone of given.pieces.keys()) {
    const pieces = new Map(given.pieces);
    pieces.delete(gone);
    expect(await check({ ...given, pieces })).toEqual({ problems: [], unchecked: ['opinions[0].verdict: not all of its pieces are at hand'] });
  }
});

it('A2: work without a root is unpaid, and nobody has an opinion on it', async () => {
  const given = setup();
  const rootless = { ...given.evidence, root: null };
  expect(await first(given, { ...given.transcript, candidates: [], opinions: [], outcome: 'unpaid' }, rootless)).toBeUndefined();
  expect(await first(given, { ...given.transcript, candidates: [], opinions: [], outcome: 'failed' }, rootless)).toMatchObject({ at: 'outcome' });
  expect(await first(given, given.transcript, rootless)).toMatchObject({ at: 'opinions', expected: 'none' });
});

it('A5: units that are not those under the signed root are found', async () => {
  const given = setup();
  const change = (by: object): StageEvidence => ({ ...given.evidence, units: given.evidence.units.map((unit, index) => (index === 1 ? { ...unit, ...by } : unit)) });
  expect(await first(given, given.transcript, change({ canonHash: 'f'.repeat(64) }))).toMatchObject({ at: 'root' });
  expect(await first(given, given.transcript, change({ salt: 'f'.repeat(32) }))).toMatchObject({ at: 'root' });
  for (const wrong of [{ from: 17 }, { to: 40 }, { unit: 5 }, { from: Number.NaN }]) expect((await first(given, given.transcript, change(wrong)))?.at).toMatch(/^(units|root)$/);
});

it('A2: a beacon, cut or reason that is not the draw\'s is found; without the draw that is left open', async () => {
  const given = setup();
  expect(await first(given, { ...given.transcript, beacon: 'f'.repeat(64) })).toMatchObject({ at: 'beacon' });
  expect(await first(given, { ...given.transcript, units: 2 })).toMatchObject({ at: 'units' });
  expect(await first(given, { ...given.transcript, reason: 'drawn' })).toMatchObject({ at: 'reason' });
  const { problems, unchecked } = await checkTranscript(given.transcript, given.evidence, { verifySignature, pieces: given.pieces, draw: null });
  expect(problems).toEqual([]);
  expect(unchecked).toEqual(['beacon, reason and cut: the draw is not at hand']);
});

it('A3: an auditor that is a party, was not a candidate or answered twice is found; one that was drawn later is pointed out', async () => {
  const given = setup();
  const { candidates, opinions, beacon, stage } = given.transcript;
  const party = plan.stages[0]?.worker ?? nodeOf('');
  const withParty = [...candidates, { worker: party, weight: 5 }].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  expect((await check(given, { ...given.transcript, candidates: withParty })).problems[0]).toMatchObject({ expected: 'no party of the job', got: party });
  expect(await first(given, { ...given.transcript, candidates: candidates.toReversed() })).toMatchObject({ expected: 'rising node ids' });
  expect(await first(given, { ...given.transcript, candidates: candidates.map((each) => ({ ...each, weight: 32 })) })).toMatchObject({ at: 'candidates[0].weight' });
  expect(await first(given, { ...given.transcript, candidates: candidates.filter(({ worker }) => worker !== opinions[0]?.auditor) })).toMatchObject({ at: 'opinions[0].auditor', expected: 'one of the candidates' });
  expect(await first(given, { ...given.transcript, opinions: [...opinions, ...opinions] })).toMatchObject({ at: 'opinions[1].auditor' });
  const last = auditorOrder(candidates, beacon, stage)[2] ?? nodeOf('');
  const later = await check(given, reopened(given, { auditor: last }));
  expect(later).toEqual({ problems: [], unchecked: [`opinions[0]: 2 candidates drawn before ${last} gave no opinion; why is not recorded`] });
});

it('A3: the coordinator\'s own run never counts as independent, and is signed by its own key', async () => {
  const given = setup({ auditors: ['reference'] });
  expect(await check(given)).toEqual({ problems: [], unchecked: [] });
  expect(await first(given, withOpinion(given, { independent: true }))).toMatchObject({ at: 'opinions[0].independent' });
  expect(await first(given, withOpinion(given, { engine: 'wasm' }))).toMatchObject({ at: 'opinions[0].engine' });
  expect(await first(given, reopened(given, { devicePublicKey: keyOf('somebody') }))).toMatchObject({ at: 'opinions[0].devicePublicKey' });
});

it('A4: a transcript about another job, plan, stage or worker is not looked at any further', async () => {
  const given = setup();
  const changes = { network: 'other', job: 'f'.repeat(32), planHash: 'f'.repeat(64), stage: 0, worker: nodeOf('ada'), units: 4 };
  for (const [at, value] of Object.entries(changes)) expect((await check(given, { ...given.transcript, [at]: value })).problems.map((problem) => problem.at)).toContain(at);
});

it(`A4: 800 damaged transcripts are found to be so, or differ in nothing that is checked; none throws (seed ${SEED})`, async () => {
  const given = setup({ tamper: nudge, auditors: ['first', 'reference'] });
  const text = JSON.stringify(given.transcript);
  // What no check rests on: the time, the note, candidates that gave no opinion (who was connected is the coordinator's word), and
  // the counts of ids, which take the model.
  const looked = ({ decidedAt: _at, note: _note, candidates: _list, ...rest }: Transcript) => ({ ...rest, opinions: rest.opinions.map(({ ids: _ids, ...each }) => each) });
  let found = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(...'0123456789abcdef"{}[],:-', ''), async (at, character) => {
      let value: unknown;
      try {
        value = JSON.parse(text.slice(0, at) + character + text.slice(at + 1));
      } catch {
        return;
      }
      const { problems } = await check(given, value);
      if (problems.length > 0) found++;
      else expect(looked(v.parse(Transcript, value))).toEqual(looked(given.transcript));
    }),
    { seed: SEED, numRuns: 800 },
  );
  expect(found).toBeGreaterThan(300);
});

it('A4: anything at all is a transcript or a problem, never a throw', async () => {
  const given = setup();
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (value) => {
      // `undefined` would stand for the default of the helper.
      expect((await check(given, value ?? null)).problems).toHaveLength(1);
    }),
    { seed: SEED, numRuns: 300 },
  );
});
