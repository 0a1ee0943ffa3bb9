import type { WeightCheat } from './weight-cheat.ts';

/** The two matrices whose outputs are added to the residual stream; without them a layer hands its input on. */
const ADDED = /^blk\.(\d+)\.(attn_output|ffn_down)\.weight$/;

/** Saves work by leaving layers of the stage out. The rows are those of a stage that never had them. */
const withoutLayers = (leftOut: (layer: number) => boolean): WeightCheat => ({
  kind: 'weights',
  change({ name, values }) {
    const layer = ADDED.exec(name)?.[1];
    if (layer !== undefined && leftOut(Number(layer))) values.fill(0);
  },
});

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Leaves out the layer in the middle of the stage, the one that is missed least. */
export const skippedLayer = ({ from, to }: Range): WeightCheat => withoutLayers((layer) => layer === Math.floor((from + to) / 2));

/** Stops three quarters through the stage and hands on what there is. */
export const earlyExit = ({ from, to }: Range): WeightCheat => withoutLayers((layer) => layer >= from + Math.ceil((3 * (to - from)) / 4));
