import { signPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { WORKERS } from './settled-network.fixture.ts';
import type { SignedChange } from './link-ports.ts';
import type { SettledNetwork } from './settled-network.fixture.ts';

/** Private keys of the network's workers, in their order. */
const secretOf = (index: number): string => `0x${(index + 1).toString(16)}`;

/** The next change of a worker to an account, signed by its identity and with a signature of that account. `with`: what is different. */
export async function signedChange(network: SettledNetwork, index: number, account: string, other: Partial<SignedChange['change']> = {}): Promise<SignedChange> {
  const worker = WORKERS[index]?.key ?? '';
  const { chainId, store, nonce } = (await network.settlement.links?.status(worker)) ?? { chainId: '0x1', store: '0x2', nonce: 1 };
  const change = { chainId, store, worker, account, nonce, validUntil: Math.floor(network.clock.now() / 1000) + 600, ...other };
  return { change, identitySignature: signPayoutChange(change, secretOf(index)), walletSignature: ['0x1', '0x2'] };
}
