import { expect, test } from 'vitest';
import { TOY_MODEL_ID, TOY_SHARD_BYTES, ToyEngine, toyManifest } from '../../../tests/support/toy-model.ts';
import { StageLoader } from './stage-loader.ts';
import type { StageOrder } from './compute-platform.ts';
import type { ShardReport } from './stage-loader.ts';
import type { HeldStage } from '../pipeline/stage-ports.ts';

class LoadedToy extends ToyEngine {
  disposed = false;
  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const wanted = (from: number, to: number) => ({ modelId: TOY_MODEL_ID, from, to, provider: 'wasm' as const });

function setup() {
  const reports: ShardReport[] = [];
  const held: (HeldStage | undefined)[] = [];
  const loads: { readonly order: StageOrder; readonly engine: LoadedToy }[] = [];
  const asked: string[] = [];
  let now = 0;
  const scene = {
    reports,
    held,
    loads,
    asked,
    shardError: undefined as Error | undefined,
    manifests: 0,
    /** The test lets each load go on. */
    gates: [] as (() => void)[],
    gated: false,
    budget: 1e9,
  };
  const loader = new StageLoader(
    {
      manifest: async () => {
        scene.manifests++;
        return toyManifest();
      },
      shard: async (_model, shard, signal, onProgress) => {
        asked.push(shard.name);
        await turn();
        signal.throwIfAborted();
        if (scene.shardError !== undefined) throw scene.shardError;
        now += 150;
        onProgress({ loadedBytes: TOY_SHARD_BYTES, fetchedBytes: shard.name === 'embedding' ? 0 : TOY_SHARD_BYTES });
        return new Uint8Array(TOY_SHARD_BYTES);
      },
    },
    {
      now: () => now,
      stageBytes: (_manifest, { from, to }) => 200 * (to - from),
      loadStage: async (order) => {
        const engine = new LoadedToy(order.shape);
        loads.push({ order, engine });
        for (const { name } of order.manifest.shards.slice(order.shape.from + 1, order.shape.to + 1)) await order.shards(name);
        if (scene.gated) await new Promise<void>((resolve) => scene.gates.push(resolve));
        return engine;
      },
    },
    {
      report: (state) => reports.push(state),
      hold: async (stage) => void held.push(stage),
      memoryBudgetBytes: () => scene.budget,
    },
  );
  return { loader, ...scene, scene };
}

test('an assignment fetches its shards at once, tells progress now and then, and holds the loaded stage', async () => {
  const { loader, reports, held, asked, loads } = setup();
  await loader.assign(7, wanted(0, 3));
  expect(asked).toEqual(['embedding', 'layer-0', 'layer-1', 'layer-2']);
  expect(reports.at(0)).toEqual({ assignment: 7, state: 'loading', loadedBytes: 0, totalBytes: 400, fetchedBytes: 0 });
  expect(reports.at(-1)).toEqual({ assignment: 7, state: 'ready', loadedBytes: 400, totalBytes: 400, fetchedBytes: 300 });
  // Four shards came 150 ms apart: not every one is worth a message.
  expect(reports.filter(({ state }) => state === 'loading').length).toBeLessThan(5);
  expect(held).toEqual([undefined, loader.held]);
  expect(loads[0]?.order.shape).toEqual({ from: 0, to: 3, embeds: true, heads: false });
  expect(loader.held).toMatchObject({ modelId: TOY_MODEL_ID, shape: { from: 0, to: 3 } });
});

test('the same layers again are ready at once; other layers first give up the old ones', async () => {
  const { loader, reports, loads, held, scene } = setup();
  await loader.assign(1, wanted(0, 3));
  await loader.assign(2, wanted(0, 3));
  expect(reports.at(-1)).toEqual({ assignment: 2, state: 'ready', loadedBytes: 400, totalBytes: 400, fetchedBytes: 0 });
  expect(loads).toHaveLength(1);
  scene.gated = true;
  const next = loader.assign(3, wanted(3, 6));
  while (scene.gates.length === 0) await turn();
  expect(loads[0]?.engine.disposed).toBe(true);
  expect(held.at(-1)).toBeUndefined();
  expect(loader.held).toBeUndefined();
  scene.gates[0]?.();
  await next;
  expect(loader.held?.shape).toEqual({ from: 3, to: 6, embeds: false, heads: true });
  expect(scene.manifests).toBe(1);
});

test('no layers: the stage is given up and nothing is reported', async () => {
  const { loader, reports, loads } = setup();
  await loader.assign(1, wanted(0, 3));
  const before = reports.length;
  await loader.assign(2, null);
  expect(loader.held).toBeUndefined();
  expect(loads[0]?.engine.disposed).toBe(true);
  expect(reports).toHaveLength(before);
});

test('a newer assignment stops the loading of an older one, which reports nothing more and leaves nothing behind', async () => {
  const { loader, reports, loads, scene } = setup();
  scene.gated = true;
  const first = loader.assign(1, wanted(0, 3));
  while (scene.gates.length === 0) await turn();
  const second = loader.assign(2, wanted(3, 6));
  expect(loads[0]?.order.signal.aborted).toBe(true);
  scene.gates[0]?.();
  while (scene.gates.length < 2) await turn();
  scene.gates[1]?.();
  await Promise.all([first, second]);
  expect(loads[0]?.engine.disposed).toBe(true);
  expect(loader.held?.engine).toBe(loads[1]?.engine);
  expect(reports.filter(({ assignment, state }) => assignment === 1 && state !== 'loading')).toEqual([]);
  expect(reports.at(-1)).toMatchObject({ assignment: 2, state: 'ready' });
});

test('the same layers under a newer number go on loading, and are reported under it', async () => {
  const { loader, reports, loads, held, scene } = setup();
  scene.gated = true;
  const first = loader.assign(1, wanted(0, 3));
  while (scene.gates.length === 0) await turn();
  expect(loader.has(wanted(0, 3))).toBe(true);
  const second = loader.assign(2, wanted(0, 3));
  scene.gates[0]?.();
  await Promise.all([first, second]);
  expect(loads).toHaveLength(1);
  expect(loads[0]?.order.signal.aborted).toBe(false);
  expect(reports.at(-1)).toEqual({ assignment: 2, state: 'ready', loadedBytes: 400, totalBytes: 400, fetchedBytes: 300 });
  expect(held).toEqual([undefined, loader.held]);
});

test('what cannot be loaded is reported as failed, by its reason, and the next assignment is tried', async () => {
  const { loader, reports, scene } = setup();
  scene.shardError = new Error('shard layer-0 came with another hash');
  await loader.assign(1, wanted(0, 3));
  expect(reports.at(-1)).toMatchObject({ assignment: 1, state: 'failed', error: 'shard layer-0 came with another hash' });
  await loader.assign(2, wanted(4, 9));
  expect(reports.at(-1)).toMatchObject({ assignment: 2, state: 'failed', error: 'layers 4 to 9 were assigned; toy has 6' });
  scene.shardError = undefined;
  expect(loader.has(wanted(0, 3))).toBe(false);
  await loader.assign(3, wanted(0, 3));
  expect(reports.at(-1)).toMatchObject({ assignment: 3, state: 'ready' });
});

test('P4: layers that take more memory than this device gives are refused by name, with the bytes, before anything is fetched', async () => {
  const { loader, reports, asked, scene } = setup();
  scene.budget = 1_000;
  await loader.assign(1, wanted(0, 6));
  expect([asked, loader.held]).toEqual([[], undefined]);
  expect(reports.at(-1)).toMatchObject({ assignment: 1, state: 'failed', error: expect.stringMatching(/^over-memory: layers 0 to 6 of .+ take \d+ bytes; this device gives 1000\./) });
  scene.budget = 1e9;
  await loader.assign(2, wanted(0, 3));
  expect(reports.at(-1)).toMatchObject({ assignment: 2, state: 'ready' });
});
