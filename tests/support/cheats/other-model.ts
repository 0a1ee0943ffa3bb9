import { seededNumbers } from './seeded-numbers.ts';
import { rootMeanSquare } from './weight-noise.ts';
import type { WeightCheat } from './weight-cheat.ts';

/** Another model of the same shape: every matrix is drawn anew with the size it had. */
export const otherSeed = (seed: number): WeightCheat => ({
  kind: 'weights',
  change({ name, dims, values }) {
    if (dims.length !== 2) return;
    const { normal } = seededNumbers(seed, name);
    const size = rootMeanSquare(values);
    for (let i = 0; i < values.length; i++) values[i] = size * normal();
  },
});

/** The right weights in the wrong order: each layer of the stage runs with those of the layer after it, the last with the first's. */
export const permutedLayers: WeightCheat = {
  kind: 'weights',
  change: () => undefined,
  source: (layer, { from, to }) => (layer + 1 < to ? layer + 1 : from),
};
