import { describe, expect, it } from 'vitest';
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { lossOf, lossOfRun } from './engine-loss.ts';

const failed = (reason: string): EngineError => new EngineError('session-failed', `A run of the stage graph failed: ${reason}. Restart the compute worker.`, { fault: 'platform' });

describe('G4: an engine is lost', () => {
  it.each([
    ['RangeError of a browser', new RangeError('Array buffer allocation failed')],
    ['RangeError of WASM', new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory')],
    ['the library in WASM', failed('std::bad_alloc')],
    ['the library, asked for a buffer', failed('Failed to allocate memory for requested buffer of size 3145728')],
    ['WASM after a failed malloc', failed('memory access out of bounds')],
    ['Vulkan', failed('VK_ERROR_OUT_OF_DEVICE_MEMORY')],
    ['Safari', new RangeError('Out of memory')],
  ])('for want of memory, as said by %s', (_who, error) => {
    expect(lossOf(error)?.code).toBe('out-of-memory');
    expect(lossOfRun(error)).toEqual({ code: 'out-of-memory', message: error.message });
  });

  it.each(['[Device] is lost: A valid external Instance reference no longer exists', 'the device was lost', 'DXGI_ERROR_DEVICE_REMOVED'])('with its device: %s', (reason) => {
    expect(lossOf(failed(reason))?.code).toBe('device-lost');
  });

  it('when a run of the library fails for any other reason, not when a load does: there another tab is asked', () => {
    expect(lossOfRun(failed('unreachable executed'))?.code).toBe('crashed');
    expect(lossOf(failed('no kernel for this operator'))).toBeUndefined();
  });

  it('not by a call that our own code refused, whatever its words', () => {
    const refused = new EngineError('past-capacity', 'The job was allocated 16 positions; position 17 is past it.', { fault: 'peer' });
    expect([lossOf(refused), lossOfRun(refused), lossOfRun(new TypeError('x is undefined'))]).toEqual([undefined, undefined, undefined]);
  });
});
