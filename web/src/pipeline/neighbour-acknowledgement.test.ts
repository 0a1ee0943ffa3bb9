import { expect, test } from 'vitest';
import { utf8 } from '@ciro/core/bytes.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { Acknowledgement } from '@ciro/core/receipt/receipt.ts';
import { checkEvidence } from '../../../tests/support/ring-evidence.ts';
import { StageRing } from '../../../tests/support/stage-ring.ts';
import { MAX_RECEIPT_BYTES, MAX_TELLINGS } from './stage-limits.ts';
import { StageError } from './stage-error.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { RingWorker } from '../../../tests/support/stage-ring.ts';

const PROMPT = Array.from({ length: 20 }, (_, index) => index + 1);
const wordOf = (frame: Frame): Acknowledgement => parseAs(Acknowledgement, JSON.parse(new TextDecoder().decode(frame.payload)), 'acknowledgement');
const saying = (frame: Frame, word: unknown): Uint8Array => encodeFrame({ ...frame, payload: utf8(JSON.stringify(word)) });

/** Runs a job in which every acknowledgement to stage 0 is changed on its way; gives that worker. */
async function changed(change: (frame: Frame) => Uint8Array | undefined): Promise<{ ring: StageRing; worker: RingWorker; faults: unknown[] }> {
  const ring = await StageRing.make({ stages: 3, seed: 5 });
  ring.onFrame = (_from, to, bytes) => {
    const frame = decodeFrame(bytes);
    return to === 0 && frame.kind === 'acknowledgement' ? change({ ...frame, payload: frame.payload.slice() }) : bytes;
  };
  const job = await ring.run(PROMPT, 20);
  expect(job.ids).toHaveLength(20);
  return { ring, worker: ring.workers[0] as RingWorker, faults: ring.workers.flatMap((_, stage) => ring.sent(stage, 'fault', job)) };
}

test.each([
  ['a forged signature', (frame: Frame) => saying(frame, { ...wordOf(frame), signature: 'ab'.repeat(64) })],
  ['another signer', (frame: Frame) => saying(frame, { ...wordOf(frame), signer: 'e'.repeat(40) as NodeId })],
  ['the coordinator as signer', (frame: Frame) => saying(frame, { ...wordOf(frame), signer: 'coordinator' })],
  ['another receipt', (frame: Frame) => saying(frame, { ...wordOf(frame), receiptHash: 'cd'.repeat(32) })],
  ['another unit', (frame: Frame) => encodeFrame({ ...frame, position: frame.position + 16 })],
  ['a position inside a unit', (frame: Frame) => encodeFrame({ ...frame, position: frame.position + 1 })],
  ['a surplus field', (frame: Frame) => saying(frame, { ...wordOf(frame), more: 1 })],
  ['text that is no JSON', (frame: Frame) => encodeFrame({ ...frame, payload: utf8('{') })],
  ['too many bytes', (frame: Frame) => encodeFrame({ ...frame, payload: new Uint8Array(MAX_RECEIPT_BYTES + 1) })],
])('B3: an acknowledgement with %s is refused, counts for nothing, and is no fault of the job', async (_what, change) => {
  const { worker, faults } = await changed(change);
  expect(worker.acknowledged).toEqual([]);
  expect(worker.refused.map(({ code }) => code)).toEqual(['bad-acknowledgement', 'bad-acknowledgement', 'bad-acknowledgement']);
  expect(faults).toEqual([]);
});

test('B3: an acknowledgement that is sent again counts once, and one more than there may be is refused', async () => {
  const ring = await StageRing.make({ stages: 3, seed: 5 });
  const worker = ring.workers[0] as RingWorker;
  const again: Uint8Array[] = [];
  ring.onFrame = (_from, to, bytes) => {
    if (to === 0 && decodeFrame(bytes).kind === 'acknowledgement') again.push(bytes.slice());
    return bytes;
  };
  // 160 positions: ten units.
  await ring.run(PROMPT, 141);
  expect(worker.acknowledged).toHaveLength(10);
  const repeat = (frames: readonly Uint8Array[]): void => frames.forEach((frame) => worker.pipeline.handleFrame((ring.workers[1] as RingWorker).node, frame));
  for (let time = 1; time < MAX_TELLINGS; time++) repeat(again.slice(0, 10));
  expect(worker.refused).toEqual([]);
  repeat(again.slice(0, 3));
  await ring.settled();
  expect(worker.acknowledged).toHaveLength(10);
  expect(worker.refused.map(({ code }) => code)).toEqual(['bad-acknowledgement', 'bad-acknowledgement', 'bad-acknowledgement']);
});

test.each(['receipt', 'acknowledgement'] as const)('R3: a %s that was lost with a broken link is made up for over the next one', async (kind) => {
  const ring = await StageRing.make({ stages: 3, seed: 5 });
  const [, above, below] = ring.workers as [RingWorker, RingWorker, RingWorker];
  const lost: number[] = [];
  ring.onFrame = (from, to, bytes) => {
    const frame = decodeFrame(bytes);
    if (frame.kind !== kind || Math.min(from, to) !== 1 || frame.position < 16) return bytes;
    lost.push(frame.position);
    return undefined;
  };
  const job = await ring.run(PROMPT, 20);
  expect(lost).toEqual([16, 32]);
  expect(above.acknowledged.map(({ body }) => body.unit)).toEqual([0]);
  ring.onFrame = (_from, _to, bytes) => bytes;
  above.pipeline.handleLinkOpened(below.node);
  await ring.settled();
  expect(above.acknowledged.map(({ body }) => body.unit)).toEqual([0, 1, 2]);
  expect(ring.workers.flatMap(({ refused }) => refused)).toEqual([]);
  await checkEvidence(ring, job);
  // Everybody has every word: there is nothing to tell again.
  ring.onFrame = () => expect.unreachable('a frame was sent');
  above.pipeline.handleLinkOpened(below.node);
  await ring.settled();
});

test('B3: an acknowledgement that came from anybody but the stage below is refused', async () => {
  const ring = await StageRing.make({ stages: 3, seed: 5 });
  const job = await ring.run(PROMPT, 4);
  const frame = encodeFrame({ kind: 'acknowledgement', job: job.signed.plan.job, planVersion: 1, position: 0, count: 0, acceptedTo: 16, stage: 2, payload: utf8('{}') });
  const worker = ring.workers[0] as RingWorker;
  worker.pipeline.handleFrame((ring.workers[2] as RingWorker).node, frame);
  worker.pipeline.handleFrame((ring.workers[1] as RingWorker).node, encodeFrame({ ...decodeFrame(frame), job: 'f'.repeat(32) as JobId }));
  expect(worker.refused.map(({ code }) => code)).toEqual(['wrong-sender', 'unknown-job']);
});

test('B1: a head frame is passed on as it came, whoever the neighbour is; one that is refused is counted and harms no job', async () => {
  const ring = await StageRing.make({ stages: 3, seed: 5 });
  const worker = ring.workers[1] as RingWorker;
  const job = await ring.start(await ring.plan(PROMPT, 8));
  const frame = encodeFrame({ kind: 'head', job: '0'.repeat(32) as JobId, planVersion: 0, position: 0, count: 0, acceptedTo: 0, stage: 0, payload: utf8('{"a":1}') });
  for (const peer of ring.workers) worker.pipeline.handleFrame(peer.node, frame.slice());
  expect(worker.heads.map((payload) => new TextDecoder().decode(payload))).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  worker.ports.head = () => Promise.reject(new StageError('bad-head', 'not signed', { fault: 'peer' }));
  worker.pipeline.handleFrame((ring.workers[0] as RingWorker).node, frame.slice());
  await job.over;
  await ring.settled();
  expect(worker.refused.map(({ code }) => code)).toEqual(['bad-head']);
  expect(ring.sent(1, 'fault', job)).toEqual([]);
});
