import type { ContractCaller } from './contract-caller.ts';
import type { DisputeCourt } from './dispute-court.ts';

/** What opening a case takes, of which token, and what an account has of that. Base units. */
export async function bondsOf(court: DisputeCourt, caller: ContractCaller, account: string): Promise<{ readonly bond: bigint; readonly token: string; readonly balance: bigint }> {
  const { bond, bondToken: token } = await court.settings();
  const [low = 0n, high = 0n] = await caller.view(token, 'balance_of', [account], 2);
  return { bond, token, balance: low + (high << 128n) };
}
