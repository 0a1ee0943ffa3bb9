import { expect, test } from 'vitest';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { measureHeldStage } from './held-stage-times.ts';
import type { HeldStage, StageEnginePort } from '../pipeline/stage-ports.ts';

const ports = { turn: <Result>(task: () => Promise<Result>) => task(), mayGoOn: () => true };

/** An engine on which a position takes two milliseconds a layer, a chunk eight, the head five; the first run of each kind is slow. */
function held(from: number, to: number) {
  const open = new Set<string>();
  const runs: { readonly position: number; readonly count: number; readonly ids: boolean }[] = [];
  let capacity = 0;
  const engine: StageEnginePort = {
    provider: 'wasm', heldBytes: 0, peakBytes: 0, promisedBytes: 0,
    openJob: (job, positions) => {
      open.add(job);
      capacity = positions;
    },
    closeJob: (job) => void open.delete(job),
    run: async (_job, position, input, count, { logits }) => {
      if (position + count > capacity) throw new RangeError(`position ${position + count} of ${capacity}`);
      const first = !runs.some((run) => run.count === count);
      runs.push({ position, count, ids: input instanceof Uint32Array });
      return { rows: new Float32Array(0), computeMs: (to - from) * (count === 1 ? 2 : 8) + (logits === true ? 5 : 0) + (first ? 100 : 0) };
    },
    truncate: () => undefined, handOver: () => undefined, cacheBytes: () => 0, runBatch: async () => [], batchBytes: () => undefined, releaseBatch: () => undefined,
  };
  const stage = { engine, shape: stageShape({ from, to }, 6), architecture: { hidden: 4 } } as unknown as HeldStage;
  return { stage, open, runs };
}

test('W7: the layers that are loaded are timed as jobs find them, the head where there is one', async () => {
  const middle = held(2, 4);
  expect(await measureHeldStage(middle.stage, ports)).toEqual({ layerMs: 2, layerMs16: 8, headMs: null });
  const last = held(4, 6);
  expect(await measureHeldStage(last.stage, ports)).toEqual({ layerMs: 2, layerMs16: 8, headMs: 5 });
  const first = held(0, 3);
  expect(await measureHeldStage(first.stage, ports)).toEqual({ layerMs: 2, layerMs16: 8, headMs: null });
  expect([first.runs.every(({ ids }) => ids), last.runs.some(({ ids }) => ids)]).toEqual([true, false]);
  for (const { open, runs } of [middle, last, first]) {
    expect(open.size).toBe(0);
    // One position after the other, as a job has them.
    expect(runs.map(({ position }) => position)).toEqual(runs.map((_, at) => runs.slice(0, at).reduce((sum, { count }) => sum + count, 0)));
  }
});

test('W7: it makes way before the next run and leaves nothing behind; so it does when a run fails', async () => {
  const busy = held(2, 4);
  let asked = 0;
  expect(await measureHeldStage(busy.stage, { ...ports, mayGoOn: () => ++asked < 4 })).toBeUndefined();
  expect([busy.runs.length, busy.open.size]).toEqual([3, 0]);
  const broken = held(2, 4);
  await expect(measureHeldStage(broken.stage, { ...ports, turn: () => Promise.reject(new Error('the device is gone')) })).rejects.toThrow('gone');
  expect(broken.open.size).toBe(0);
});
