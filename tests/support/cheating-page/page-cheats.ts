import { earlyExit, skippedLayer } from '../cheats/fewer-layers.ts';
import { lowRankUpdate } from '../cheats/low-rank-update.ts';
import { otherSeed, permutedLayers } from '../cheats/other-model.ts';
import { requantise4, requantise8 } from '../cheats/requantise.ts';
import { weightNoise } from '../cheats/weight-noise.ts';
import type { WeightCheat } from '../cheats/weight-cheat.ts';

/** Everything random in a cheating tab. */
const SEED = 20_251_124;

/** Cheats that a tab can be given by name. Each takes the layers that it is to cheat with. */
export const PAGE_CHEATS = {
  requantise8: () => requantise8,
  requantise4: () => requantise4,
  'weight-noise': () => weightNoise(0.01, SEED),
  adapter: () => lowRankUpdate(0.05, SEED),
  'other-model': () => otherSeed(SEED),
  'permuted-layers': () => permutedLayers,
  'skipped-layer': skippedLayer,
  'early-exit': earlyExit,
} as const satisfies Record<string, (range: { readonly from: number; readonly to: number }) => WeightCheat>;

export type PageCheatName = keyof typeof PAGE_CHEATS;

/** What a page is built to do: cheat in this stage of so many; `stage` counts from 1. */
export interface CheatWish {
  readonly cheat: PageCheatName;
  readonly stage: number;
  readonly stages: number;
}

/** The wish in `requantise8@2`; undefined for an unknown cheat or a stage that is not there. */
export function parseCheat(text: string, stages: number): CheatWish | undefined {
  const [, cheat = '', stage = ''] = /^([a-z0-9-]+)@(\d+)$/.exec(text) ?? [];
  const number = Number(stage);
  return cheat in PAGE_CHEATS && number >= 1 && number <= stages ? { cheat: cheat as PageCheatName, stage: number, stages } : undefined;
}

/**
 * Whether a tab that was assigned these layers holds the stage of the wish. A tab is not told its stage's number: of three, the
 * middle one is neither end; of more, the middle ones go by where their layers lie, which is a guess when cuts are uneven.
 */
export function isWished({ stage, stages }: CheatWish, { from, to }: { readonly from: number; readonly to: number }, layers: number): boolean {
  if (stage === 1) return from === 0;
  if (stage === stages) return to === layers;
  if (from === 0 || to === layers) return false;
  return stages <= 3 || Math.floor((((from + to) / 2) * stages) / layers) === stage - 1;
}
