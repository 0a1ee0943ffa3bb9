import { expect, test } from 'vitest';
import { GpuCache } from './gpu-cache.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { BufferSession, BufferTensor } from './gpu-cache.ts';

const architecture: Architecture = {
  family: 'llama', layers: 2, hidden: 8, heads: 4, kvHeads: 2, headDim: 2, feedForward: 8, vocabulary: 8,
  context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};
const shape: StageShape = { from: 1, to: 2, embeds: false, heads: false };

/** A GPU buffer that is an array, so that a test can look into it. */
class FakeBuffer {
  readonly values: Float32Array;
  destroyed = false;

  constructor(bytes: number) {
    this.values = new Float32Array(bytes / 4);
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** Runs copies in submit order as a queue does, and refuses destroyed buffers and overlapping ones as WebGPU does. */
function fakeSession() {
  const allocated: FakeBuffer[] = [];
  let inputs: Readonly<Record<string, BufferTensor>> = {};
  let position = 0;
  const device = {
    createBuffer: ({ size }: { size: number }) => {
      const buffer = new FakeBuffer(size);
      allocated.push(buffer);
      return buffer;
    },
    createCommandEncoder: () => {
      const copies: (() => void)[] = [];
      return {
        copyBufferToBuffer: (from: FakeBuffer, fromByte: number, to: FakeBuffer, toByte: number, bytes: number) => {
          if (from === to) throw new Error('WebGPU copies between two buffers only');
          copies.push(() => {
            if (from.destroyed || to.destroyed) throw new Error('a destroyed buffer was submitted');
            to.values.set(from.values.subarray(fromByte / 4, (fromByte + bytes) / 4), toByte / 4);
          });
        },
        finish: () => copies,
      };
    },
    queue: { submit: (lists: (() => void)[][]) => lists.flat().forEach((copy) => copy()) },
  };
  const session: BufferSession = {
    // The cache uses these three members of a device and nothing else.
    device: device as unknown as GPUDevice,
    runWithBuffers: async (feeds, buffers, keep) => {
      inputs = buffers;
      const count = feeds['hidden']?.dims[0] ?? 0;
      const output = (part: number): GPUBuffer => {
        const buffer = new FakeBuffer(2 * count * 2 * 4);
        buffer.values.forEach((_, i) => {
          const head = Math.floor(i / (count * 2));
          buffer.values[i] = part + 1000 * head + position + Math.floor((i % (count * 2)) / 2);
        });
        return buffer as unknown as GPUBuffer;
      };
      keep({ 'new_key.1': output(10_000), 'new_value.1': output(20_000) });
      position += count;
      return { rows: new Float32Array(count * 8) };
    },
  };
  const seen = (name: string): Float32Array => {
    const buffer: unknown = inputs[name]?.buffer;
    return buffer instanceof FakeBuffer ? buffer.values : new Float32Array(0);
  };
  return { session, allocated, seen, dims: (name: string) => inputs[name]?.dims };
}

const feedsFor = (count: number) => ({ hidden: { data: new Float32Array(8 * count), dims: [count, 8] } });

test('rows lie head by head at their positions, also after a capacity step', async () => {
  const fake = fakeSession();
  const cache = new GpuCache(fake.session, architecture, shape, 100);
  for (const count of [16, 1, 40, 16, 16]) await cache.run(feedsFor(count), count);
  await cache.run(feedsFor(1), 1);
  expect(cache.length).toBe(90);
  expect(fake.dims('key_cache.1')).toEqual([1, 2, 128, 2]);
  for (const [name, part] of [['key_cache.1', 10_000], ['value_cache.1', 20_000]] as const) {
    for (const head of [0, 1]) {
      const held = Array.from({ length: 90 }, (_, position) => fake.seen(name)[(head * 128 + position) * 2]);
      expect(held, `${name}, head ${head}`).toEqual(Array.from({ length: 90 }, (_, position) => part + 1000 * head + position));
    }
  }
});

test('outgrown buffers are destroyed, and all of them when the job closes', async () => {
  const fake = fakeSession();
  const cache = new GpuCache(fake.session, architecture, shape, 100);
  // What a job may come to take is told before it takes it: admission counts on that.
  expect([cache.heldBytes, cache.mostBytes]).toEqual([2 * 2 * 64 * 2 * 4, 2 * 2 * 128 * 2 * 4]);
  for (let position = 0; position < 80; position += 16) await cache.run(feedsFor(16), 16);
  expect(fake.allocated.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false]);
  expect(cache.heldBytes).toBe(2 * 2 * 128 * 2 * 4);
  expect(cache.mostBytes).toBe(cache.heldBytes);
  cache.dispose();
  expect(fake.allocated.every(({ destroyed }) => destroyed)).toBe(true);
});

test('a job closed during a run frees its buffers when the run has ended', async () => {
  const fake = fakeSession();
  const cache = new GpuCache(fake.session, architecture, shape, 100);
  const running = cache.run(feedsFor(1), 1);
  cache.dispose();
  await running;
  expect(fake.allocated.every(({ destroyed }) => destroyed)).toBe(true);
});

test('V1: a copy of the first positions lies in buffers of its own, with another capacity', async () => {
  const fake = fakeSession();
  const cache = new GpuCache(fake.session, architecture, shape, 100);
  for (const count of [64, 16]) await cache.run(feedsFor(count), count);
  for (const [length, most, capacity] of [[70, 200, 128], [33, 40, 64]] as const) {
    const copy = cache.copy(length, most);
    await copy.run(feedsFor(1), 1);
    expect([copy.length, fake.dims('value_cache.1')]).toEqual([length + 1, [1, 2, capacity, 2]]);
    for (const head of [0, 1]) expect(Array.from({ length }, (_, position) => fake.seen('value_cache.1')[(head * capacity + position) * 2])).toEqual(Array.from({ length }, (_, position) => 20_000 + 1000 * head + position));
  }
  expect(() => cache.copy(81, 200)).toThrowError(expect.objectContaining({ code: 'stale-cache' }));
  cache.dispose();
});
