import { expect, it } from 'vitest';
import { KEPT_CACHE_MS } from '@ciro/core/protocol/limits.ts';
import { TOY_LAYERS, TOY_MODEL_ID } from '../audit/toy-stage.fixture.ts';
import { playJob } from '../audit/played-job.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { KeptCaches } from './kept-caches.ts';
import { KEPT_CACHE_MARGIN_MS, MAX_KEPT_JOBS } from './scheduler-limits.ts';
import { jobId, nodeId } from './workers.fixture.ts';
import type { PlayedJob } from '../audit/played-job.fixture.ts';
import type { JobRecord } from './job-order.ts';
import type { ReadyPlacement } from './placer.ts';

const PLAYERS = [1, 2, 3].map((n) => ({ node: nodeId(n), devicePublicKey: `04${String(n).padStart(128, '0')}`, nonce: null }));
const PROMPT = Array.from({ length: 40 }, (_, index) => (index * 7) % 61);
const play = (n: number, prompt: readonly number[] = PROMPT, prefix?: { job: PlayedJob; positions: number }): PlayedJob => playJob({ job: jobId(n), players: PLAYERS, prompt, tokens: 20, ...(prefix && { prefix }) });
const idsOf = ({ record }: PlayedJob): number[] => [...record.promptIds, ...record.tokenIds];

type Change = Partial<{ worker: string; key: string; layers: [number, number] }>;

/** The ring that played; `changes` to its middle, last and first stage make another one of it. */
function ring(...changes: readonly Change[]): Pick<ReadyPlacement, 'stages'> {
  const stages = PLAYERS.map(({ node, devicePublicKey }, stage) => ({ worker: { nodeId: node, devicePublicKey }, layers: [stage * (TOY_LAYERS / 3), (stage + 1) * (TOY_LAYERS / 3)] }));
  for (const [index, { worker, key, layers }] of changes.entries()) {
    const stage = stages[(index + 1) % stages.length];
    Object.assign(stage?.worker ?? {}, worker !== undefined && { nodeId: worker }, key !== undefined && { devicePublicKey: key });
    if (layers !== undefined) Object.assign(stage ?? {}, { layers });
  }
  return { stages } as unknown as Pick<ReadyPlacement, 'stages'>;
}
const order = (promptIds: readonly number[], change: Partial<{ account: string; modelId: string; reuses: boolean; continues: string | null }> = {}) => ({ account: 'ada', modelId: TOY_MODEL_ID, reuses: true, continues: null, promptIds: Uint32Array.from(promptIds), ...change }) as Parameters<KeptCaches['take']>[0];

function book(...jobs: readonly PlayedJob[]): { clock: VirtualClock; kept: KeptCaches } {
  const clock = new VirtualClock();
  const kept = new KeptCaches(clock);
  for (const { record } of jobs) kept.recorded({ account: 'ada' }, record);
  return { clock, kept };
}

it('V3: an order goes on from the job with which it has most whole units in common, once', () => {
  const [one, two] = [play(1), play(2, PROMPT.slice(0, 20))];
  const { kept } = book(one, two);
  const next = [...idsOf(one), 5, 6, 7];
  // 59 positions were computed, 48 in whole units.
  expect(kept.take(order(next), ring())).toEqual({ prefix: { job: jobId(1), planHash: one.record.planHash, positions: 48 }, jobs: [jobId(1)], rebuilt: new Set() });
  expect(kept.take(order(next), ring())?.prefix).toMatchObject({ job: jobId(2), positions: 16 });
  expect(kept.take(order(next), ring())).toBeUndefined();
});

it('V2: the last position of the prompt is always computed, and fewer than 16 in common are none', () => {
  expect(book(play(1)).kept.take(order(PROMPT.slice(0, 33)), ring())?.prefix.positions).toBe(32);
  expect(book(play(1)).kept.take(order(PROMPT.slice(0, 32)), ring())?.prefix.positions).toBe(16);
  expect(book(play(1)).kept.take(order([...PROMPT.slice(0, 15), 60, ...PROMPT]), ring())).toBeUndefined();
});

it('E3: tells what is left to do of an order where its beginning is kept, and keeps it', () => {
  const { kept } = book(play(1));
  const wanted = order([...idsOf(play(1)), 5, 6, 7, 8]);
  // 48 of 64 ids of the prompt are kept; each costs a fifth of one of the answer.
  expect(kept.workLeft({ ...wanted, maxTokens: 32 }, ring())).toBeCloseTo((32 + 0.2 * 16) / (32 + 0.2 * 64));
  // One of three stages has to do them again.
  expect(kept.workLeft({ ...wanted, maxTokens: 32 }, ring({ worker: nodeId(9) }))).toBeCloseTo((32 + 0.2 * 32) / (32 + 0.2 * 64));
  expect(kept.workLeft({ ...wanted, maxTokens: 32 }, ring({ layers: [2, 3] }))).toBe(1);
  expect(kept.workLeft({ ...wanted, account: 'eve', maxTokens: 32 }, ring())).toBe(1);
  expect(kept.take(wanted, ring())).toBeDefined();
});

it.each([
  ['another account', order(PROMPT, { account: 'eve' }), ring()],
  ['another model', order(PROMPT, { modelId: 'cd'.repeat(32) }), ring()],
  ['an order that may not', order(PROMPT, { reuses: false }), ring()],
  ['two other workers', order(PROMPT), ring({ worker: nodeId(9) }, { worker: nodeId(8) })],
  ['another worker and one that connected anew', order(PROMPT), ring({ worker: nodeId(9) }, { key: '04ff' })],
  ['other ranges', order(PROMPT), ring({ layers: [2, 3] })],
  ['another number of stages', order(PROMPT), { stages: ring().stages.slice(0, 2) }],
])('V2, V3: nothing is named for %s', (_, wanted, stages) => {
  const { kept } = book(play(1));
  expect(kept.take(wanted, stages)).toBeUndefined();
  expect(kept.take(order(PROMPT), ring())).toBeDefined();
});

it('V1, V7: nothing is named when the time is nearly over, a worker is gone, or the job is to be forgotten, with all that stands on it', () => {
  const first = play(1);
  const second = play(2, [...idsOf(first), 5, 6], { job: first, positions: 48 });
  const late = book(first);
  late.clock.advance(KEPT_CACHE_MS - KEPT_CACHE_MARGIN_MS);
  const gone = book(first);
  for (const n of [3, 1]) gone.kept.lost(nodeId(n));
  const told = book();
  told.kept.recorded({ account: 'ada' }, second.record, { prefix: { job: jobId(1), planHash: first.record.planHash, positions: 48 }, jobs: [jobId(1)], rebuilt: new Set() });
  expect(told.kept.forget(jobId(1)).map(({ job }) => job)).toEqual([jobId(2)]);
  const early = book(first);
  early.kept.take(order([...idsOf(first), 5, 6]), ring());
  early.kept.forget(jobId(1));
  early.kept.recorded({ account: 'ada' }, second.record, { prefix: { job: jobId(1), planHash: first.record.planHash, positions: 48 }, jobs: [jobId(1)], rebuilt: new Set() });
  for (const { kept } of [late, gone, told, early]) expect(kept.take(order([...idsOf(second), 1]), ring())).toBeUndefined();
});

const changed = ({ record }: PlayedJob, change: (record: JobRecord) => unknown): JobRecord => {
  const copy = structuredClone(record);
  change(copy);
  return copy;
};
const stageAt = (record: JobRecord, stage: number) => record.stages[stage] as unknown as { root?: unknown; units: { receiptValid: boolean; acknowledgementValid: boolean; receipt: { body: { inputHash: string } } }[] };
it.each([
  ['a unit that nobody acknowledged', 16, (record: JobRecord) => ((stageAt(record, 2).units[1] as { acknowledgementValid: boolean }).acknowledgementValid = false)],
  ['a forged receipt', 32, (record: JobRecord) => ((stageAt(record, 0).units[2] as { receiptValid: boolean }).receiptValid = false)],
  ['a unit of other inputs than were passed on', 16, (record: JobRecord) => ((stageAt(record, 1).units[1] as { receipt: { body: { inputHash: string } } }).receipt.body.inputHash = 'ab'.repeat(32))],
  ['a stage without a root', undefined, (record: JobRecord) => delete stageAt(record, 1).root],
  ['an answer that moved and two stages without a root', undefined, (record: JobRecord) => (Object.assign(record, { finish: 'moved' }), delete stageAt(record, 0).root, delete stageAt(record, 1).root)],
  ['a disagreement', undefined, (record: JobRecord) => Object.assign(record, { disagreements: [{ stage: 0, unit: 2, by: nodeId(2) }] })],
  ['an answer that moved, which another goes on with,', undefined, (record: JobRecord) => Object.assign(record, { finish: 'moved' })],
])('V2: %s bounds what is named', (_, positions, change) => {
  const { kept } = book();
  kept.recorded({ account: 'ada' }, changed(play(1), change));
  expect(kept.take(order([...PROMPT, 1]), ring())?.prefix.positions).toBe(positions);
});

it('V1: of one ring no more jobs are remembered than its workers keep', () => {
  const first = play(1);
  const { kept } = book(first);
  const other = play(2, Array.from({ length: 20 }, () => 3));
  for (let n = 2; n <= MAX_KEPT_JOBS + 1; n++) {
    const record = structuredClone(other.record);
    Object.assign(record.signed.plan, { job: jobId(n) });
    kept.recorded({ account: 'ada' }, record);
  }
  expect(kept.take(order(PROMPT), ring())).toBeUndefined();
});

it.each([
  ['that is gone', (kept: KeptCaches) => kept.lost(nodeId(2)), ring({ worker: nodeId(9) })],
  ['that is gone and came back under the same key', (kept: KeptCaches) => kept.lost(nodeId(2)), ring()],
  ['that has no stage any more', () => undefined, ring({ worker: nodeId(9) })],
  ['that connected anew', () => undefined, ring({ key: '04ff' })],
])('V9: the stage of a worker %s is rebuilt', (_, happens, stages) => {
  const { kept } = book(play(1));
  happens(kept);
  expect(kept.take(order(PROMPT), stages)?.prefix).toEqual({ job: jobId(1), planHash: play(1).record.planHash, positions: 32, rebuilds: 1 });
});

it('V9: of two jobs with as much in common the one is named for which no stage is rebuilt', () => {
  const other = changed(play(2), (record) => Object.assign(record.signed.plan.stages[1] ?? {}, { worker: nodeId(9) }));
  for (const stages of [ring(), ring({ worker: nodeId(9) })]) {
    const { kept } = book(play(1));
    kept.recorded({ account: 'ada' }, other);
    expect(kept.take(order(PROMPT), stages)?.prefix.rebuilds).toBeUndefined();
  }
});

it('V9: an answer that moved is gone on with alone by its own order, also where the client wants nothing of earlier turns', () => {
  const moved = changed(play(1), (record) => (Object.assign(record, { finish: 'moved' }), delete stageAt(record, 1).root));
  const { kept } = book();
  kept.recorded({ account: 'ada' }, moved);
  const stages = ring({ worker: nodeId(9) });
  const next = [...moved.promptIds, ...moved.tokenIds];
  for (const wanted of [order(next), order(next, { continues: jobId(5) }), order(next, { continues: jobId(1), account: 'eve' })]) expect(kept.take(wanted, stages)).toBeUndefined();
  expect(kept.take(order(next, { continues: jobId(1), reuses: false }), stages)?.prefix).toMatchObject({ job: jobId(1), positions: 48, rebuilds: 1 });
});

it('V9: no stage is rebuilt after one that was: its rows are nobody\'s receipt', () => {
  const second = play(2, [...idsOf(play(1)), 5, 6]);
  const reuse = { prefix: { job: jobId(1), planHash: play(1).record.planHash, positions: 48, rebuilds: 1 }, jobs: [jobId(1)], rebuilt: new Set([1]) };
  const taken = (...changes: readonly Change[]): number | undefined => {
    const { kept } = book();
    kept.recorded({ account: 'ada' }, second.record, reuse);
    return kept.take(order(idsOf(second)), ring(...changes))?.prefix.rebuilds;
  };
  // To the middle, the last and the first stage.
  expect([taken({ worker: nodeId(9) }), taken({}, { worker: nodeId(9) }), taken({}, {}, { worker: nodeId(9) })]).toEqual([1, undefined, 0]);
  const { kept } = book();
  kept.recorded({ account: 'ada' }, second.record, reuse);
  kept.lost(nodeId(3));
  expect(kept.take(order(idsOf(second)), ring({}, { worker: nodeId(9) }))).toBeUndefined();
});
