/**
 * Keys and values of a job in GPU buffers: they never cross to the processor. Read-backs cost a GPU queue a round trip each,
 * so a stage reads one tensor a run, its rows, instead of two a layer.
 */
import { CAPACITY_STEP_POSITIONS, CachePositions, stepsFor } from '@ciro/core/model/cache-positions.ts';
import { keyCacheName, newKeyName, newValueName, valueCacheName } from '@ciro/core/model/graph/layer-nodes.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { Feeds, JobCache, Outputs } from '@ciro/core/model/job-cache.ts';

/** A float32 tensor that lies in a GPU buffer. */
export interface BufferTensor {
  readonly buffer: GPUBuffer;
  readonly dims: readonly number[];
}

/** A session that takes inputs from GPU buffers and leaves some outputs there. */
export interface BufferSession {
  readonly device: GPUDevice;
  /** Runs the graph. `keep` sees the outputs that stay on the GPU before they are freed, in queue order. */
  runWithBuffers(
    feeds: Feeds,
    buffers: Readonly<Record<string, BufferTensor>>,
    keep: (outputs: Readonly<Record<string, GPUBuffer>>) => void,
  ): Promise<Outputs>;
}

/** One layer's keys or values: [1, kvHeads, capacity, headDim]. */
interface CacheBuffer {
  readonly input: string;
  readonly output: string;
  buffer: GPUBuffer;
}

const BYTES_PER_FLOAT = 4;

export class GpuCache implements JobCache {
  readonly #session: BufferSession;
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  readonly #kvHeads: number;
  readonly #headDim: number;
  readonly #positions: CachePositions;
  readonly #buffers: readonly CacheBuffer[];
  #running = false;
  #disposed = false;

  constructor(session: BufferSession, architecture: Architecture, shape: StageShape, maxPositions: number) {
    this.#session = session;
    this.#architecture = architecture;
    this.#shape = shape;
    this.#kvHeads = architecture.kvHeads;
    this.#headDim = architecture.headDim;
    this.#positions = new CachePositions(maxPositions);
    const names = Array.from({ length: shape.to - shape.from }, (_, i) => shape.from + i).flatMap((layer) => [
      { input: keyCacheName(layer), output: newKeyName(layer) },
      { input: valueCacheName(layer), output: newValueName(layer) },
    ]);
    this.#buffers = names.map((name) => ({ ...name, buffer: this.#allocate(CAPACITY_STEP_POSITIONS) }));
  }

  get length(): number {
    return this.#positions.length;
  }

  get capacity(): number {
    return this.#positions.capacity;
  }

  get heldBytes(): number {
    return this.#buffers.length * this.#bytes(this.capacity);
  }

  get mostBytes(): number {
    return this.#buffers.length * this.#bytes(stepsFor(this.#positions.maxPositions));
  }

  reserve(count: number): void {
    this.#positions.reserve(count);
  }

  async run(feeds: Feeds, count: number): Promise<Outputs> {
    const dims = [1, this.#kvHeads, this.capacity, this.#headDim];
    const inputs = Object.fromEntries(this.#buffers.map(({ input, buffer }) => [input, { buffer, dims }]));
    this.#running = true;
    try {
      return await this.#session.runWithBuffers(feeds, inputs, (outputs) => {
        if (!this.#disposed) this.#append(outputs, count);
      });
    } finally {
      this.#running = false;
      if (this.#disposed) this.#destroy();
    }
  }

  /** Rows past the length stay in the buffers: the mask hides them until they are written over. */
  truncate(length: number): void {
    this.#positions.truncate(length);
  }

  copy(length: number, maxPositions: number): GpuCache {
    this.#positions.demand(length);
    const copy = new GpuCache(this.#session, this.#architecture, this.#shape, maxPositions);
    copy.#positions.advance(length, (capacity) => copy.#grow(capacity));
    const bytes = length * this.#headDim * BYTES_PER_FLOAT;
    const encoder = this.#session.device.createCommandEncoder();
    this.#buffers.forEach(({ buffer }, index) => {
      const target = copy.#buffers[index]?.buffer;
      for (let head = 0; head < this.#kvHeads && target !== undefined && bytes > 0; head++) {
        const at = (capacity: number): number => head * capacity * this.#headDim * BYTES_PER_FLOAT;
        encoder.copyBufferToBuffer(buffer, at(this.capacity), target, at(copy.capacity), bytes);
      }
    });
    this.#session.device.queue.submit([encoder.finish()]);
    return copy;
  }

  dispose(): void {
    this.#disposed = true;
    if (!this.#running) this.#destroy();
  }

  #append(outputs: Readonly<Record<string, GPUBuffer>>, count: number): void {
    const first = this.length;
    this.#positions.advance(count, (capacity) => this.#grow(capacity));
    const rowBytes = this.#headDim * BYTES_PER_FLOAT;
    const encoder = this.#session.device.createCommandEncoder();
    for (const { output, buffer } of this.#buffers) {
      const added = outputs[output];
      if (!added) throw new RangeError(`the session kept no ${output}`);
      for (let head = 0; head < this.#kvHeads; head++) {
        const to = (head * this.capacity + first) * rowBytes;
        encoder.copyBufferToBuffer(added, head * count * rowBytes, buffer, to, count * rowBytes);
      }
    }
    this.#session.device.queue.submit([encoder.finish()]);
  }

  /** Moves all heads to larger buffers; `capacity` of the positions is still the old one. */
  #grow(capacity: number): void {
    const rowBytes = this.#headDim * BYTES_PER_FLOAT;
    const encoder = this.#session.device.createCommandEncoder();
    const outgrown = this.#buffers.map((each) => each.buffer);
    for (const each of this.#buffers) {
      const larger = this.#allocate(capacity);
      for (let head = 0; head < this.#kvHeads; head++) {
        const bytes = this.length * rowBytes;
        if (bytes > 0) encoder.copyBufferToBuffer(each.buffer, head * this.capacity * rowBytes, larger, head * capacity * rowBytes, bytes);
      }
      each.buffer = larger;
    }
    this.#session.device.queue.submit([encoder.finish()]);
    for (const buffer of outgrown) buffer.destroy();
  }

  #allocate(capacity: number): GPUBuffer {
    // 0x80 STORAGE | 0x8 COPY_DST | 0x4 COPY_SRC, as in the WebGPU specification: the constants are not global in every worker.
    return this.#session.device.createBuffer({ size: this.#bytes(capacity), usage: 0x80 | 0x8 | 0x4 });
  }

  #bytes(capacity: number): number {
    return this.#kvHeads * capacity * this.#headDim * BYTES_PER_FLOAT;
  }

  #destroy(): void {
    for (const { buffer } of this.#buffers) buffer.destroy();
  }
}
