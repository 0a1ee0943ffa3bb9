import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { MAX_DRAFTS } from '@ciro/core/protocol/limits.ts';
import { randomSource, StageRing, turn } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { RingJob } from '../../../tests/support/stage-ring.ts';

/** One after which drafts come true and are rejected. */
const seed = 776_313_567;
const random = randomSource(seed);
const half = Array.from({ length: 9 }, () => random(TOY.vocabulary));
const PROMPT = [...half, ...half];
const TOKENS = 60;

interface Scene {
  readonly ring: StageRing;
  readonly job: RingJob;
  /** The frames that are held back, and all of the same line that came before them. */
  readonly held: readonly Frame[];
  readonly passed: readonly Frame[];
  /** Puts a frame into a stage as if another had sent it; gives the codes it was refused with. */
  inject(frame: Frame | Uint8Array, from: number, to: number): string[];
  /** Hands over what was held back and lets the job go on to its answer, which must be the one without drafts. */
  goOn(from: number, to: number): Promise<void>;
}

/** A job with drafts over three stages that stands still: from the first frame that `which` names, what goes to that stage is held back. */
async function setup(to: number, which: (frame: Frame) => boolean, kinds: readonly Frame['kind'][]): Promise<Scene> {
  const ring = await StageRing.make({ stages: 3, seed, maxDrafts: 4 });
  for (const { engine } of ring.workers) engine.timed = false;
  const [held, passed]: [Frame[], Frame[]] = [[], []];
  ring.onFrame = (_from, at, bytes) => {
    const read = decodeFrame(bytes);
    if (at !== to || !kinds.includes(read.kind)) return bytes;
    const frame = { ...read, payload: read.payload.slice() };
    if (held.length === 0 && !which(frame)) {
      passed.push(frame);
      return bytes;
    }
    held.push(frame);
    return undefined;
  };
  const job = await ring.start(await ring.plan(PROMPT, TOKENS));
  while (held.length === 0) {
    if (job.acceptedTo !== undefined) throw new Error('the answer came to its end, and no such frame with it');
    await turn();
  }
  await ring.settled();
  const inject = (frame: Frame | Uint8Array, from: number, at: number): string[] => {
    const worker = ring.workers[at];
    const before = worker?.refused.length;
    worker?.pipeline.handleFrame(ring.workers[from]?.node ?? worker.node, frame instanceof Uint8Array ? frame : encodeFrame(frame));
    return worker?.refused.slice(before).map(({ code }) => code) ?? [];
  };
  const goOn = async (): Promise<void> => {
    ring.onFrame = (_from, _to, bytes) => bytes;
    for (const frame of held) expect(inject(frame, frame.stage, to)).toEqual([]);
    await job.over;
    expect(job.ids).toEqual((await (await StageRing.make({ stages: 1, seed })).run(PROMPT, TOKENS)).ids);
  };
  return { ring, job, held, passed, inject, goOn };
}

const ids = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
/** The last stage stands before its first lap with drafts. */
const atDrafts = (): Promise<Scene> => setup(2, ({ kind }) => kind === 'drafts', ['drafts', 'rows']);

const WRONG: [string, string, (drafts: Frame) => Partial<Frame>][] = [
  ['of a lap ahead', 'bad-drafts', ({ position }) => ({ position: position + 1, acceptedTo: position + 1 })],
  ['of a prompt', 'bad-drafts', () => ({ position: 3, acceptedTo: 3 })],
  ['far away', 'bad-drafts', () => ({ position: 0xffff_0000, acceptedTo: 0xffff_0000 })],
  ['past the end', 'bad-drafts', () => ({ position: PROMPT.length + TOKENS - 2, acceptedTo: PROMPT.length + TOKENS - 2, count: 2, payload: ids(1, 2) })],
  ['that accept what they bring', 'bad-drafts', ({ acceptedTo, count }) => ({ acceptedTo: acceptedTo + count })],
  ['that accept less than there is', 'bad-drafts', () => ({ acceptedTo: 0 })],
  ['outside the vocabulary', 'bad-drafts', () => ({ count: 1, payload: ids(TOY.vocabulary) })],
  ['of another job', 'unknown-job', () => ({ job: 'f'.repeat(32) as JobId })],
  ['of another version', 'unknown-job', () => ({ planVersion: 2 })],
];

test.each(WRONG)('F3: drafts %s are refused as %s, are no fault of the job, and it goes on', async (_what, code, change) => {
  const { ring, job, held, inject, goOn } = await atDrafts();
  const drafts = held.find(({ kind }) => kind === 'drafts') as Frame;
  expect(inject({ ...drafts, ...change(drafts) }, 0, 2)).toEqual([code]);
  expect(ring.sent(2, 'fault', job)).toEqual([]);
  await goOn(0, 2);
});

test('F2: drafts that were cut off, or more than a lap may have, are no frame', async () => {
  const { held, inject, goOn } = await atDrafts();
  const drafts = held.find(({ kind }) => kind === 'drafts') as Frame;
  const bytes = encodeFrame(drafts);
  expect(inject(bytes.slice(0, -1), 0, 2)).toEqual(['bad-frame']);
  expect(inject(bytes.slice(0, 40), 0, 2)).toEqual(['bad-frame']);
  expect(inject({ ...drafts, count: MAX_DRAFTS + 1, payload: new Uint8Array(4 * MAX_DRAFTS + 4) }, 0, 2)).toEqual(['bad-frame']);
  await goOn(0, 2);
});

test('F3: drafts that come again, from a stage in the middle, or at a stage that is not the last, are refused by name', async () => {
  const { ring, job, held, inject } = await atDrafts();
  const drafts = held.find(({ kind }) => kind === 'drafts') as Frame;
  expect(inject(drafts, 2, 1)).toEqual(['bad-drafts']);
  expect(inject(drafts, 1, 0)).toEqual(['bad-drafts']);
  expect(inject(drafts, 0, 2)).toEqual([]);
  expect(inject(drafts, 0, 2)).toEqual(['bad-drafts']);
  expect(inject({ ...drafts, payload: ids(...Array<number>(drafts.count).fill(1)) }, 0, 2)).toEqual(['bad-drafts']);
  expect(ring.workers.flatMap((_, stage) => ring.sent(stage, 'fault', job))).toEqual([]);
  // Who is above may send rows; drafts from there are a fault of it, as anything else that is wrong.
  expect(inject(drafts, 1, 2)).toEqual(['wrong-sender']);
  expect(ring.sent(2, 'fault', job)).toMatchObject([{ code: 'wrong-sender' }]);
});

test('F3, E7: a stage in the middle never computes an accepted position again, whatever drafts came with it', async () => {
  let drafted = false;
  // The lap after the first one with drafts.
  const { held, passed, inject, goOn } = await setup(1, ({ count, position }) => drafted || ((drafted = position >= PROMPT.length && count > 1), false), ['rows']);
  const [next, lap] = [held[0], passed.at(-1)] as [Frame, Frame];
  const rows = (position: number, count = 1): Frame => ({ ...next, position, acceptedTo: position, count, payload: new Uint8Array(4 * count * TOY.hidden) });
  expect(lap.count).toBeGreaterThan(1);
  expect(inject(rows(lap.position), 0, 1)).toEqual(['stale-cache']);
  expect(inject(rows(lap.position - 1), 0, 1)).toEqual(['stale-cache']);
  expect(inject(rows(0), 0, 1)).toEqual(['stale-cache']);
  expect(inject(rows(lap.position + lap.count + 1), 0, 1)).toEqual(['stale-cache']);
  expect(inject({ ...rows(next.position), acceptedTo: lap.position }, 0, 1)).toEqual(['wrong-acceptance']);
  expect(inject(rows(next.position, MAX_DRAFTS + 2), 0, 1)).toEqual(['wrong-shape']);
  await goOn(0, 1);
});

test('F3: the last stage draws no id twice: a lap begins where its ids ended, and nowhere else', async () => {
  let drafted = false;
  const { held, passed, inject, goOn } = await setup(2, ({ kind, count, position }) => kind === 'rows' && (drafted || ((drafted = position >= PROMPT.length && count > 1), false)), ['rows', 'drafts']);
  const next = held.find(({ kind }) => kind === 'rows') as Frame;
  const lap = passed.findLast(({ kind }) => kind === 'rows') as Frame;
  for (let position = lap.position; position <= lap.position + lap.count; position++) {
    if (position === next.position) continue;
    expect(inject({ ...next, position, acceptedTo: position, count: 1, payload: new Uint8Array(4 * TOY.hidden) }, 1, 2)).toEqual(['stale-cache']);
  }
  await goOn(1, 2);
});

test('F3, E6: ids that accept what was not drafted, or more of it than there was, are refused by the first stage', async () => {
  const { held, inject, goOn } = await setup(0, ({ count }) => count > 1, ['ids']);
  const lap = held[0] as Frame;
  const values = [...new Uint32Array(lap.payload.slice().buffer)];
  const changed = values.map((id, index) => (index === 0 ? (id + 1) % TOY.vocabulary : id));
  expect(inject({ ...lap, payload: ids(...changed) }, 2, 0)).toEqual(['bad-id']);
  expect(inject({ ...lap, count: 6, payload: ids(...values, ...values, ...values, ...values, ...values, ...values).subarray(0, 24) }, 2, 0)).toEqual(['wrong-shape']);
  expect(inject({ ...lap, payload: ids(...values.slice(0, -1), TOY.vocabulary) }, 2, 0)).toEqual(['bad-id']);
  expect(inject({ ...lap, position: lap.position + 1, acceptedTo: lap.position + 1 }, 2, 0)).toEqual(['stale-cache']);
  await goOn(2, 0);
  expect(inject(lap, 2, 0)).not.toEqual([]);
});
