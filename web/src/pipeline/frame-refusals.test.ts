import { expect, test } from 'vitest';
import { utf8 } from '@ciro/core/bytes.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { Receipt, receiptBytes } from '@ciro/core/receipt/receipt.ts';
import { randomSource, StageRing, turn } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import { MAX_REFUSALS_PER_LINK, MAX_WAITING_FRAMES } from './stage-limits.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { RingJob, RingWorker } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`frame refusals: seed ${seed}`);

const PROMPT = Array.from({ length: 20 }, (_, index) => index + 1);

interface Scene {
  readonly ring: StageRing;
  /** Stopped in the middle: every row frame to stage 1 from position 22 on is held back. */
  readonly job: RingJob;
  readonly others: RingJob;
  readonly held: Frame;
  /** Puts a frame into stage 1 as if `from` had sent it; gives the codes it was refused with. */
  inject(frame: Uint8Array, from?: number): string[];
}

/** Two jobs over three stages; the first one waits for its frame at position 22 to reach stage 1. */
async function setup(): Promise<Scene> {
  const ring = await StageRing.make({ stages: 3, seed });
  const offers = [await ring.plan(PROMPT, 12), await ring.plan(PROMPT.toReversed(), 12)] as const;
  const held: Frame[] = [];
  ring.onFrame = (_from, to, bytes) => {
    const frame = decodeFrame(bytes);
    if (to !== 1 || frame.kind !== 'rows' || frame.job !== offers[0].signed.plan.job || frame.position < 22) return bytes;
    held.push({ ...frame, payload: frame.payload.slice() });
    return undefined;
  };
  const [job, others] = [await ring.start(offers[0]), await ring.start(offers[1])];
  while (held.length === 0) await turn();
  await ring.settled();
  const worker = ring.workers[1] as RingWorker;
  const inject = (frame: Uint8Array, from = 0): string[] => {
    const before = worker.refused.length;
    worker.pipeline.handleFrame((ring.workers[from] as RingWorker).node, frame);
    return worker.refused.slice(before).map(({ code }) => code);
  };
  return { ring, job, others, held: held[0] as Frame, inject };
}

const rows = (count: number): Uint8Array => new Uint8Array(4 * count * TOY.hidden);
const valueAt = (value: number, at: number): Uint8Array => {
  const values = new Float32Array(TOY.hidden);
  values[at] = value;
  return new Uint8Array(values.buffer);
};

const WRONG: [string, string, (frame: Frame) => Partial<Frame>][] = [
  ['a repeated position', 'stale-cache', () => ({ position: 21, acceptedTo: 21 })],
  ['a position ahead', 'stale-cache', () => ({ position: 23, acceptedTo: 23 })],
  ['the first position again', 'stale-cache', () => ({ position: 0, acceptedTo: 0 })],
  ['a position past the plan', 'past-the-end', () => ({ position: 31, acceptedTo: 31 })],
  ['an enormous position', 'past-the-end', () => ({ position: 0xfffffff0, acceptedTo: 0xfffffff0 })],
  ['more rows at generated positions than a lap may have', 'past-the-end', () => ({ count: 17, payload: rows(17) })],
  ['rows of another width', 'wrong-shape', () => ({ payload: rows(1).subarray(4) })],
  ['acceptance of what it brings', 'wrong-acceptance', () => ({ acceptedTo: 23 })],
  ['acceptance of less than before', 'wrong-acceptance', () => ({ acceptedTo: 0 })],
  ['NaN', 'bad-values', () => ({ payload: valueAt(Number.NaN, 3) })],
  ['an infinity', 'bad-values', () => ({ payload: valueAt(Number.NEGATIVE_INFINITY, 7) })],
  ['an id where rows belong', 'wrong-shape', () => ({ kind: 'ids', payload: new Uint8Array(4) })],
  ['a receipt that is none', 'bad-receipt', () => ({ kind: 'receipt', count: 0, payload: utf8('{"body":') })],
  ['another version', 'unknown-job', () => ({ planVersion: 2 })],
  ['another job', 'unknown-job', () => ({ job: 'f'.repeat(32) as JobId })],
];

test.each(WRONG)('F3: a frame with %s is refused as %s, and both jobs go on to their answers', async (_what, code, change) => {
  const { ring, job, others, held, inject } = await setup();
  expect(inject(encodeFrame({ ...held, ...change(held) }))).toEqual([code]);
  // What the stage above sends wrongly is a fault of that job; a receipt is only not acknowledged, a stranger's job not ours.
  const faults = ring.workers[1]?.sent.filter((message) => message.type === 'fault');
  expect(faults).toEqual(code === 'bad-receipt' || code === 'unknown-job' ? [] : [expect.objectContaining({ code })]);
  expect(inject(encodeFrame(held))).toEqual([]);
  ring.onFrame = (_from, _to, bytes) => bytes;
  await Promise.all([job.over, others.over]);
  expect(job.ids).toEqual((await (await StageRing.make({ stages: 1, seed })).run(PROMPT, 12)).ids);
  expect(others.ids).toEqual((await (await StageRing.make({ stages: 1, seed })).run(PROMPT.toReversed(), 12)).ids);
});

test('F3: a duplicate of a frame is refused as stale and changes nothing', async () => {
  const { held, inject, ring, job } = await setup();
  expect(inject(encodeFrame(held))).toEqual([]);
  expect(inject(encodeFrame(held))).toEqual(['stale-cache']);
  ring.onFrame = (_from, _to, bytes) => bytes;
  await job.over;
  expect(job.ids).toHaveLength(12);
});

test('F2: a truncated frame is refused, and is a fault of the job that its header names', async () => {
  const { ring, job, held, inject } = await setup();
  const bytes = encodeFrame(held);
  for (const length of [0, 1, 27, 47, bytes.length - 1]) expect(inject(bytes.slice(0, length))).toEqual(['bad-frame']);
  expect(ring.sent(1, 'fault', job)).toMatchObject([{ code: 'bad-frame', job: job.signed.plan.job, version: 1 }]);
});

test('F3: a neighbour that is not the stage above cannot touch a job: its frames are counted, the job is not faulted', async () => {
  const { ring, job, held, inject } = await setup();
  expect(inject(encodeFrame(held), 2)).toEqual(['wrong-sender']);
  expect(inject(encodeFrame(held).slice(0, 60), 2)).toEqual(['bad-frame']);
  expect(ring.sent(1, 'fault', job)).toEqual([]);
});

test('frames before start, for the wrong kind of stage, and of an id outside the vocabulary are refused by the first stage', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const offer = await ring.plan(PROMPT, 4);
  const [first, second] = ring.workers as [RingWorker, RingWorker];
  await first.pipeline.handlePlan(offer.signed, 0, offer.promptIds);
  const ids = (position: number, id: number): Uint8Array =>
    encodeFrame({ kind: 'ids', job: offer.signed.plan.job, planVersion: 1, position, count: 1, acceptedTo: position, stage: 1, payload: new Uint8Array(Uint32Array.of(id).buffer) });
  first.pipeline.handleFrame(second.node, ids(19, 1));
  first.pipeline.handleStart(offer.signed.plan.job, 1);
  first.pipeline.handleFrame(second.node, ids(19, 1));
  await ring.settled();
  first.pipeline.handleFrame(second.node, ids(18, 1));
  first.pipeline.handleFrame(second.node, ids(19, TOY.vocabulary));
  first.pipeline.handleFrame(second.node, ids(40, 1));
  first.pipeline.handleFrame(second.node, ids(19, 5));
  first.pipeline.handleFrame(second.node, ids(19, 5));
  expect(first.refused.map(({ code }) => code)).toEqual(['not-started', 'stale-cache', 'stale-cache', 'bad-id', 'past-the-end', 'stale-cache']);
});

test('a link that floods is closed after a bounded number of refusals: its job fails, and nothing else is said', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const job = await ring.start(await ring.plan(PROMPT, 200));
  const second = ring.workers[1] as RingWorker;
  const stranger = encodeFrame({ kind: 'rows', job: 'f'.repeat(32) as JobId, planVersion: 1, position: 0, count: 1, acceptedTo: 0, stage: 0, payload: rows(1) });
  const first = ring.workers[0] as RingWorker;
  for (let sent = 0; sent < 10 * MAX_REFUSALS_PER_LINK; sent++) second.pipeline.handleFrame(first.node, stranger);
  expect(second.refused).toHaveLength(MAX_REFUSALS_PER_LINK);
  expect(second.sent.filter((message) => message.type === 'fault')).toMatchObject([{ code: 'flooded', job: job.signed.plan.job }]);
});

test('F2, F3: random bytes never throw, never reach the engine and never stop the jobs of others', async () => {
  const { ring, others, held, inject } = await setup();
  const random = randomSource(seed);
  const worker = ring.workers[1] as RingWorker;
  const runs = worker.engine.runs;
  for (let round = 0; round < 2_000; round++) {
    const frame = encodeFrame(held);
    for (let flips = 1 + random(4); flips > 0; flips--) frame[random(44)] = random(256);
    worker.pipeline.handleLinkClosed((ring.workers[2] as RingWorker).node);
    inject(random(3) === 0 ? frame.subarray(random(8), random(frame.length)) : frame, 2);
  }
  expect(worker.engine.runs).toBe(runs);
  await others.over;
  expect(others.ids).toHaveLength(12);
});

test('R2: a receipt that says something else than what came is answered with a disagreement; one with a false signature with nothing', async () => {
  for (const forge of ['hash', 'signature'] as const) {
    const ring = await StageRing.make({ stages: 3, seed });
    const signer = ring.workers[0] as RingWorker;
    const changes: Promise<void>[] = [];
    ring.onFrame = (from, to, bytes) => {
      const frame = decodeFrame(bytes);
      if (from !== 0 || frame.kind !== 'receipt') return bytes;
      const receipt = parseAs(Receipt, JSON.parse(new TextDecoder().decode(frame.payload)), 'receipt');
      const body = { ...receipt.body, linkHash: 'cd'.repeat(32) as Receipt['body']['linkHash'] };
      changes.push(
        signer.ports.sign(receiptBytes(forge === 'hash' ? body : receipt.body)).then((signature) => {
          const changed = forge === 'hash' ? { body, signature } : { body, signature: receipt.signature };
          ring.workers[to]?.pipeline.handleFrame(signer.node, encodeFrame({ ...frame, payload: utf8(JSON.stringify(changed)) }));
        }),
      );
      return undefined;
    };
    const job = await ring.run(PROMPT, 4);
    await Promise.all(changes);
    await ring.settled();
    const units = ring.sent(0, 'unit', job).length;
    expect(units).toBe(2);
    expect(ring.sent(1, 'acknowledge', job)).toEqual([]);
    expect(ring.sent(1, 'disagree', job)).toHaveLength(forge === 'hash' ? units : 0);
    expect(ring.workers[1]?.refused.map(({ code }) => code)).toEqual(forge === 'hash' ? [] : Array(units).fill('bad-receipt'));
    for (const { linkHash, receipt } of ring.sent(1, 'disagree', job)) {
      const own = ring.sent(1, 'unit', job).find((unit) => unit.receipt.body.unit === receipt.body.unit);
      expect(linkHash).toBe(own?.receipt.body.inputHash);
    }
    expect(ring.sent(2, 'acknowledge', job)).toHaveLength(2);
  }
});

test('an engine that fails stops its job with a fault and leaves the others alone', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  const [bad, good] = [await ring.plan(PROMPT, 12), await ring.plan(PROMPT, 12)];
  const worker = ring.workers[1] as RingWorker;
  worker.engine.beforeRun = (key, position) => {
    if (key.startsWith(bad.signed.plan.job) && position === 25) throw new Error('device lost');
  };
  // Whoever is computed together with it fails there, too, and is run alone then.
  worker.engine.beforeBatch = (keys) => {
    if (keys.some((key) => key.startsWith(bad.signed.plan.job) && worker.engine.jobs.get(key)?.length === 25)) throw new Error('device lost');
  };
  const [failing, other] = [await ring.start(bad), await ring.start(good)];
  await other.over;
  await ring.settled();
  expect(ring.sent(1, 'fault', failing)).toMatchObject([{ code: 'stage-failed', message: 'device lost' }]);
  expect([...worker.engine.jobs.keys()]).toEqual([`${good.signed.plan.job}/1`]);
  await ring.finish(failing);
  // What was computed before is closed and posted all the same.
  expect(ring.sent(1, 'root', failing)).toHaveLength(1);
  expect(ring.sent(1, 'unit', failing).at(-1)?.receipt.body.to).toBe(25);
});

test('a link that is gone fails the job that needs it', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const job = await ring.start(await ring.plan(PROMPT, 200));
  while (job.ids.length < 3) await turn();
  ring.unlinked.add((ring.workers[1] as RingWorker).node);
  await ring.settled();
  expect(ring.sent(0, 'fault', job)).toMatchObject([{ code: 'no-link' }]);
});

test('rows that come faster than they can be computed wait in bounded number; the frame after that is refused', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const prompt = Array.from({ length: MAX_WAITING_FRAMES + 10 }, (_, index) => index % TOY.vocabulary);
  const { signed } = await ring.plan(prompt, 4);
  const [first, second] = ring.workers as [RingWorker, RingWorker];
  let release: () => void = () => undefined;
  second.engine.beforeRun = () => new Promise((resolve) => (release = resolve));
  await second.pipeline.handlePlan(signed, 1, null);
  const send = (position: number): void =>
    second.pipeline.handleFrame(first.node, encodeFrame({ kind: 'rows', job: signed.plan.job, planVersion: 1, position, count: 1, acceptedTo: position, stage: 0, payload: rows(1) }));
  // The first one is in the engine, the others wait.
  for (let position = 0; position <= MAX_WAITING_FRAMES; position++) send(position);
  expect(second.refused).toEqual([]);
  send(MAX_WAITING_FRAMES + 1);
  expect(second.refused.map(({ code }) => code)).toEqual(['inbox-full']);
  second.engine.beforeRun = () => undefined;
  release();
  while (second.engine.runs <= MAX_WAITING_FRAMES) await turn();
  send(MAX_WAITING_FRAMES + 1);
  await ring.settled();
  expect(second.refused).toHaveLength(1);
  expect(second.engine.runs).toBe(MAX_WAITING_FRAMES + 2);
});
