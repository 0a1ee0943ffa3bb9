/**
 * Takes the place of `ComputeService` in the compute worker of a cheating tab: the same service on a platform that loads the
 * cheat's weights. Every tab of a cheated network carries it, dormant; the one whose first assignment is the wished stage
 * cheats, so the spare that takes over from it is honest.
 */
import { ComputeService as HonestService } from '@ciro/web/worker/compute-service.ts';
import { withWeights } from '../cheats/weight-cheat.ts';
import { isWished, PAGE_CHEATS } from './page-cheats.ts';
import type { ComputePlatform, LoadedStage, StageOrder } from '@ciro/web/worker/compute-platform.ts';
import type { CheatWish } from './page-cheats.ts';

/** Written in by the build. */
declare const CHEAT_WISH: CheatWish;

/** Layers of the first assignment; null: none, a spare. Undefined until it came. */
type FirstAssignment = readonly [number, number] | null | undefined;

export class ComputeService extends HonestService {
  #first: FirstAssignment;

  constructor(platform: ComputePlatform) {
    super({ ...platform, loadStage: (order) => this.#load(platform, order) });
  }

  override assign(assignment: number, modelId: string, layers: readonly [number, number] | null, standby: boolean): Promise<void> {
    if (this.#first === undefined) this.#first = standby ? null : layers;
    return super.assign(assignment, modelId, layers, standby);
  }

  #load(platform: ComputePlatform, order: StageOrder): Promise<LoadedStage> {
    const { from, to } = order.shape;
    const own = this.#first?.[0] === from && this.#first[1] === to;
    const cheats = own && isWished(CHEAT_WISH, order.shape, order.manifest.architecture.layers);
    return platform.loadStage(cheats ? withWeights(order, PAGE_CHEATS[CHEAT_WISH.cheat](order.shape)) : order);
  }
}
