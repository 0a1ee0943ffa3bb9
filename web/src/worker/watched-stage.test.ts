import { expect, it } from 'vitest';
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { layersOf } from '../../../tests/support/stage-ring.ts';
import { ToyEngine } from '../../../tests/support/toy-model.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { RunLog, WatchedStage } from './watched-stage.ts';
import type { EngineLoss } from '../engine/engine-loss.ts';
import type { StageRun } from '../pipeline/stage-ports.ts';

class Stage extends ToyEngine {
  next: () => Promise<StageRun> = async () => ({ rows: new Float32Array(1), computeMs: 40 });
  override run(): Promise<StageRun> {
    return this.next();
  }
  async dispose(): Promise<void> {}
}

function setup() {
  const [from, to] = layersOf(0, 1);
  const stage = new Stage(stageShape({ from, to }, to));
  const losses: EngineLoss[] = [];
  const log = new RunLog();
  return { stage, losses, log, watched: new WatchedStage(stage, log, (loss) => losses.push(loss)) };
}
const run = (watched: WatchedStage): Promise<StageRun> => watched.run('job/1', 0, new Uint32Array(1), 1, {});

it('G4: says which run it is at, whether that is over, and how long the longest took', async () => {
  const { stage, log, watched } = setup();
  let end: (ended: StageRun) => void = () => undefined;
  await run(watched);
  stage.next = () => new Promise((resolve) => (end = resolve));
  const second = run(watched);
  expect(log.progress).toEqual({ runs: 2, running: true, slowestMs: 40 });
  end({ rows: new Float32Array(1), computeMs: 90 });
  await second;
  expect(log.progress).toEqual({ runs: 2, running: false, slowestMs: 90 });
});

it('G4: a run of several jobs is one run, as long as all of them', async () => {
  const { stage, losses, log, watched } = setup();
  stage.openJob('a', 8);
  stage.openJob('b', 8);
  const batch = ['a', 'b'].map((jobKey) => ({ jobKey, position: 0, input: new Uint32Array(1) }));
  const runs = await watched.runBatch(batch);
  expect(log.progress).toEqual({ runs: 1, running: false, slowestMs: runs.reduce((sum, { computeMs }) => sum + computeMs, 0) });
  stage.beforeBatch = () => Promise.reject(new RangeError('Array buffer allocation failed'));
  await expect(watched.runBatch(batch)).rejects.toThrow('allocation failed');
  expect([losses, log.progress.running]).toEqual([[], false]);
});

it('G4: tells of an error that ends the engine before the job hears of it, and of no other', async () => {
  const { stage, losses, log, watched } = setup();
  stage.next = () => Promise.reject(new EngineError('stale-cache', 'position 4 was asked for; the cache has 3', { fault: 'peer' }));
  await expect(run(watched)).rejects.toMatchObject({ code: 'stale-cache' });
  expect(losses).toEqual([]);
  stage.next = () => Promise.reject(new RangeError('Array buffer allocation failed'));
  const failing = run(watched).catch(() => losses.length);
  expect(await failing).toBe(1);
  expect(losses).toMatchObject([{ code: 'out-of-memory' }]);
  expect(log.progress.running).toBe(false);
});
