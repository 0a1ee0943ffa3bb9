import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { Profile } from '../../signaling/src/sessions/worker.ts';
import type { SeededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';

/** Milliseconds of a layer for one position and for a chunk of 16, on a device of the middle (results/pipeline.json: three stages of ten layers compute 34 ms a token). */
const LAYER_MS = 1.1;
const LAYER_MS_16 = 6;

/** Speeds are spread over a factor of eight, evenly in their logarithm: from a new desktop to an old phone. */
const SPEED_SPREAD = 8;
/** Memory budgets in layers: a weak tab has room for none, a strong one for the whole model. */
const MOST_LAYERS = 48;

export interface Device {
  readonly profile: Pick<Profile, 'layerMs' | 'layerMs16' | 'headMs' | 'memoryBudgetBytes'>;
  /** How much slower than the device of the middle it is. */
  readonly scale: number;
}

/** A seeded device. `layerBytes`: memory of one layer with its cache. */
export function drawDevice({ uniform, below }: SeededNumbers, layerBytes: number): Device {
  return deviceOf(SPEED_SPREAD ** (uniform() - 0.5), layerBytes * below(MOST_LAYERS));
}

/** The device of the middle, with room for everything. */
export const middleDevice = (layerBytes: number): Device => deviceOf(1, layerBytes * MOST_LAYERS);

function deviceOf(scale: number, memoryBytes: number): Device {
  const layerMs = LAYER_MS * scale;
  return { scale, profile: { layerMs, layerMs16: LAYER_MS_16 * scale, headMs: 3 * layerMs, memoryBudgetBytes: Math.round(memoryBytes) } };
}

/** Milliseconds that a device computes so many layers for a frame's rows, or for the row behind an id. */
export function computeMs({ count }: Pick<Frame, 'count'>, layers: number, scale: number): number {
  return scale * layers * (LAYER_MS + ((LAYER_MS_16 - LAYER_MS) * (count - 1)) / (PREFILL_CHUNK_POSITIONS - 1));
}
