import { hexOf } from './contract-caller.ts';
import type { EpochOnChain } from '../disputes/arbiter.ts';
import type { ContractCaller } from './contract-caller.ts';

const INFO_FELTS = 7;
/** As the contract's enum counts them. */
const STATES = ['unknown', 'pending', 'held', 'final', 'vetoed'] as const;

export type PostedEpoch = EpochOnChain & { readonly state: (typeof STATES)[number]; /** Unix seconds. */ readonly claimableAt: number };

/** An epoch as a CommitmentStore has it; undefined when it has none of that number. */
export async function epochOnChain(caller: ContractCaller, store: string, epoch: number): Promise<PostedEpoch | undefined> {
  const [root = 0n, total = 0n, count, depth, claimableAt, , state] = await caller.view(store, 'epoch_info', [hexOf(epoch)], INFO_FELTS);
  const known = STATES[Number(state)] ?? 'unknown';
  if (root === 0n || known === 'unknown') return undefined;
  return { chainId: caller.chainId, store: hexOf(store), epoch, root: hexOf(root), total, count: Number(count), depth: Number(depth), state: known, claimableAt: Number(claimableAt) };
}
