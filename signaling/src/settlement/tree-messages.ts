import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';

/** One aligned part of an epoch's tree, for a thread. */
export interface TreePart {
  readonly id: number;
  readonly chainId: string;
  readonly store: string;
  readonly depth: number;
  /** Leaves of the part: known ones as they are, others as what they are made of. */
  readonly leaves: readonly (bigint | readonly [account: bigint, cumulative: bigint])[];
  /** The part as it was. */
  readonly before: EpochTree | undefined;
}

export interface GrownPart {
  readonly id: number;
  readonly tree: EpochTree;
}
