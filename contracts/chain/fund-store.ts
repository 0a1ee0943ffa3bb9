import { ChainAccount } from './account.ts';
import { transferCall } from './plan.ts';
import type { Keys } from './account.ts';
import type { StepReport } from './deploy.ts';
import type { Plan } from './plan.ts';
import type { ChainClient } from './starknet.ts';

/** What a local chain's settlement contract is given, in base units: 5,000 trials of 2,000 CIRO each, a tenth of what its settler holds. */
export const LOCAL_FUNDING = 10_000_000n * 10n ** 18n;

/** The settler of a local chain funds the contract that pays workers, once. On a network the operator sends what it owes. */
export async function fundStore(chain: ChainClient, { addresses }: Plan, settler: Keys): Promise<StepReport> {
  const { CiroToken: token, CommitmentStore: store } = addresses;
  const step = 'fund the CommitmentStore';
  const [low = '0x0', high = '0x0'] = await chain.view({ to: token, entrypoint: 'balance_of', calldata: [store] });
  if (low !== '0x0' || high !== '0x0') return { step, state: 'there' };
  return { step, state: 'sent', receipt: await new ChainAccount(chain, settler).execute(step, [transferCall(token, store, LOCAL_FUNDING)]) };
}
