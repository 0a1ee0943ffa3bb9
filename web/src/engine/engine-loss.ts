import { EngineError } from '@ciro/core/model/engine-error.ts';
import type { ENGINE_LOSSES } from '@ciro/core/protocol/control-from-worker.ts';

export type EngineLossCode = (typeof ENGINE_LOSSES)[number];

/** Why the engine of this worker cannot be used any more: only a new worker has another. */
export interface EngineLoss {
  readonly code: EngineLossCode;
  readonly message: string;
}

/** How browsers, the WASM runtime and the library say that memory was not given; the last is how a failed malloc ends in WASM. */
const NO_MEMORY = /out[ _-]?of[ _-]?(device[ _-]?)?memory|bad_alloc|allocat|unable to grow|not enough memory|\boom\b|memory access out of bounds/i;
const NO_DEVICE = /device\]?[ _]?(is |was |has been )?lost|lost (the |its )?(gpu )?device|device_removed|device_hung/i;

/**
 * What an error of a load or a run means for the engine; undefined when the engine is as good as before, as after a call that it
 * refused. Of errors of our own only those of the library's calls are looked at: what others say about memory is about our bounds.
 */
export function lossOf(error: unknown): EngineLoss | undefined {
  if (error instanceof Error && 'code' in error && !(error instanceof EngineError && error.code === 'session-failed')) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (NO_DEVICE.test(message)) return { code: 'device-lost', message };
  return NO_MEMORY.test(message) ? { code: 'out-of-memory', message } : undefined;
}

/** The same for a run, after which a library whose call failed is in no state that anybody knows. */
export function lossOfRun(error: unknown): EngineLoss | undefined {
  return lossOf(error) ?? (error instanceof EngineError && error.code === 'session-failed' ? { code: 'crashed', message: error.message } : undefined);
}
